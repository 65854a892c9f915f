rule measure_blocks:
    input:
        counts=counts_of_sample,
        parts=parts_of_sample,
        qc="<results>/samples/{sample}/qc.parquet",
        genes="<results>/samples/{sample}/genes.parquet",
        status="<results>/samples/{sample}/status.json",
        healthy_types=BUNDLE["healthy_types.parquet"],
        null=BUNDLE["positional.json"],
        positions=local(POSITIONS),
    output:
        positional="<results>/samples/{sample}/positional.parquet",
    log:
        "<logs>/measure_blocks/{sample}.log",
    benchmark:
        "<benchmarks>/measure_blocks/{sample}.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 1500, 3, most=8_000),
        runtime=by_size(sample_mb, 10, 0.05),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        settings={},
        user_tables=["positions"],
    message:
        "Comparing {wildcards.sample} with healthy types in blocks along the genome ({log})"
    script:
        SCRIPT.replace("RULE", "measure_blocks")
