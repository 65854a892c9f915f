rule check_reference:
    input:
        reference=REFERENCE,
    output:
        qc="<results>/reference/qc.parquet",
        findings="<results>/reference/findings.parquet",
    log:
        "<logs>/check_reference.log",
    benchmark:
        "<benchmarks>/check_reference.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(reference_mb, 1000, 2),
        runtime=by_size(reference_mb, 15, 0.05),
    params:
        # What the reference does not ask for must not train the model anew.
        settings={"reference": SETTINGS["reference"], "qc": {key: SETTINGS["qc"][key] for key in HARD_LIMITS}},
    message:
        "Judging the cells of the reference ({log})"
    script:
        SCRIPT.replace("RULE", "check_reference")


rule quality_control:
    input:
        counts=counts_of_sample,
        parts=parts_of_sample,
    output:
        qc="<results>/samples/{sample}/qc.parquet",
        input="<results>/samples/{sample}/input.json",
    log:
        "<logs>/quality_control/{sample}.log",
    benchmark:
        "<benchmarks>/quality_control/{sample}.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 1000, 12, most=12_000),
        runtime=by_size(sample_mb, 15, 0.1),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        # How the sample is read is hashed here; every job of the sample inherits it.
        settings=lambda wildcards: {"sample": READ_AS[wildcards.sample], "qc": QC[wildcards.sample]},
    message:
        "Judging the cells of {wildcards.sample} ({log})"
    script:
        SCRIPT.replace("RULE", "quality_control")
