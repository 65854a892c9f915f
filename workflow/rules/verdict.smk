# What a cell is taken for when everything is weighed: by patient, as a patient's tumour is one.


rule assign_verdict:
    input:
        annotation=of_patient("annotation.parquet"),
        positional=of_patient("positional.parquet"),
        cells="<results>/patients/{patient}/cnv_cells.parquet" if CNV_ENABLED else [],
        arms="<results>/patients/{patient}/cnv_arms.parquet" if CNV_ENABLED else [],
    output:
        verdict="<results>/patients/{patient}/verdict.parquet",
    log:
        "<logs>/assign_verdict/{patient}.log",
    benchmark:
        "<benchmarks>/assign_verdict/{patient}.tsv"
    conda:
        "../../envs/infercnv.yaml"
    threads: 1
    resources:
        mem_mb=by_size(patient_mb, 600, 2),
        runtime=by_size(patient_mb, 10, 0.05),
    params:
        samples=lambda wildcards: [SAMPLES[sample] for sample in PATIENTS[wildcards.patient]],
        settings=lambda wildcards: {"known_arms": known_arms_of_patient(wildcards)},
    message:
        "Assigning a verdict to each cell of patient {wildcards.patient} ({log})"
    script:
        SCRIPT.replace("RULE", "assign_verdict")


rule split_verdict:
    input:
        verdict=of_its_patient("verdict.parquet"),
    output:
        verdict="<results>/samples/{sample}/verdict.parquet",
    log:
        "<logs>/split_verdict/{sample}.log",
    benchmark:
        "<benchmarks>/split_verdict/{sample}.tsv"
    conda:
        "../../envs/infercnv.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 500, 1),
        runtime=by_size(sample_mb, 5, 0.01),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        settings={},
    message:
        "Writing the verdicts of {wildcards.sample} ({log})"
    script:
        SCRIPT.replace("RULE", "split_verdict")


rule rank_markers:
    input:
        verdict="<results>/patients/{patient}/verdict.parquet",
        counts=counts_of_patient,
        status=of_patient("status.json"),
        annotation=of_patient("annotation.parquet"),
        positions=local(POSITIONS),
    output:
        markers="<results>/patients/{patient}/markers.parquet",
    log:
        "<logs>/rank_markers/{patient}.log",
    benchmark:
        "<benchmarks>/rank_markers/{patient}.tsv"
    conda:
        "../../envs/infercnv.yaml"
    threads: 1
    resources:
        mem_mb=by_size(patient_mb, 1500, 3),
        runtime=by_size(patient_mb, 15, 0.05),
    params:
        samples=lambda wildcards: [SAMPLES[sample] for sample in PATIENTS[wildcards.patient]],
        settings={},
        user_tables=["positions"],
    message:
        "Comparing the malignant with the normal cells of patient {wildcards.patient} ({log})"
    script:
        SCRIPT.replace("RULE", "rank_markers")
