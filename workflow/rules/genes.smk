rule select_vocabulary:
    input:
        reference=REFERENCE,
        qc=REFERENCE_QC,
        panels=[COUNTS[sample] for sample in PANELS],
    output:
        vocabulary="<results>/reference/vocabulary.parquet",
    log:
        "<logs>/select_vocabulary.log",
    benchmark:
        "<benchmarks>/select_vocabulary.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(reference_mb, 1000, 2),
        runtime=by_size(reference_mb, 15, 0.05),
    params:
        settings={
            "reference": SETTINGS["reference"],
            "vocabulary": SETTINGS["vocabulary"],
            "panels": [READ_AS[sample] for sample in PANELS],
        },
    message:
        "Choosing the genes that the model knows ({log})"
    script:
        SCRIPT.replace("RULE", "select_vocabulary")


rule align_genes:
    input:
        counts=counts_of_sample,
        parts=parts_of_sample,
        vocabulary=VOCABULARY,
        input="<results>/samples/{sample}/input.json",
        qc="<results>/samples/{sample}/qc.parquet",
    output:
        genes="<results>/samples/{sample}/genes.parquet",
        status="<results>/samples/{sample}/status.json",
    log:
        "<logs>/align_genes/{sample}.log",
    benchmark:
        "<benchmarks>/align_genes/{sample}.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 500, 1),
        runtime=by_size(sample_mb, 5, 0.02),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        on_invalid=lambda wildcards: QC[wildcards.sample]["on_invalid"],
        settings={"min_share": SETTINGS["vocabulary"]["min_share"]},
    message:
        "Matching the genes of {wildcards.sample} with the vocabulary ({log})"
    script:
        SCRIPT.replace("RULE", "align_genes")
