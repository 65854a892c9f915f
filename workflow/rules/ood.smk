rule call_ood:
    input:
        scores="<results>/samples/{sample}/scores.parquet",
        anchors="<results>/samples/{sample}/anchors.json",
    output:
        annotation="<results>/samples/{sample}/annotation.parquet",
        shift="<results>/samples/{sample}/shift.json",
    log:
        "<logs>/call_ood/{sample}.log",
    benchmark:
        "<benchmarks>/call_ood/{sample}.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 500, 1, most=4_000),
        runtime=by_size(sample_mb, 5, 0.01),
    params:
        settings={"alpha": SETTINGS["ood"]["alpha"], "coverage": SETTINGS["labels"]["coverage"]},
    message:
        "Calling the OOD cells of {wildcards.sample} ({log})"
    script:
        SCRIPT.replace("RULE", "call_ood")


rule extract_ood:
    input:
        counts=counts_of_sample,
        parts=parts_of_sample,
        annotation="<results>/samples/{sample}/annotation.parquet",
        embedding="<results>/samples/{sample}/embedding.parquet",
        status="<results>/samples/{sample}/status.json",
    output:
        ood="<results>/samples/{sample}/ood.h5ad",
    log:
        "<logs>/extract_ood/{sample}.log",
    benchmark:
        "<benchmarks>/extract_ood/{sample}.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 600, 3, most=8_000),
        runtime=by_size(sample_mb, 10, 0.05),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        settings={},
    message:
        "Extracting the OOD cells of {wildcards.sample} ({log})"
    script:
        SCRIPT.replace("RULE", "extract_ood")
