rule annotate:
    input:
        counts=counts_of_sample,
        parts=parts_of_sample,
        qc="<results>/samples/{sample}/qc.parquet",
        genes="<results>/samples/{sample}/genes.parquet",
        status="<results>/samples/{sample}/status.json",
        positional="<results>/samples/{sample}/positional.parquet",
        bundle=list(BUNDLE.values()),
    output:
        scores="<results>/samples/{sample}/scores.parquet",
        embedding="<results>/samples/{sample}/embedding.parquet",
        gene_scores="<results>/samples/{sample}/gene_scores.parquet",
        programs="<results>/samples/{sample}/programs.parquet",
        anchors="<results>/samples/{sample}/anchors.json",
    log:
        "<logs>/annotate/{sample}.log",
    benchmark:
        "<benchmarks>/annotate/{sample}.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1  # a second one helps little; samples side by side use every core
    resources:
        mem_mb=by_size(sample_mb, 4000, 3, most=8_000),
        runtime=by_size(sample_mb, 30, 0.1),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        settings={"shift": SETTINGS["ood"]["shift"], "device": SETTINGS["train"]["device"]},
    message:
        "Annotating {wildcards.sample} ({log})"
    script:
        SCRIPT.replace("RULE", "annotate")
