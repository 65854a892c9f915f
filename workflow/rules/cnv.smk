CNV_ENABLED = config["cnv"]["enabled"]


rule infer_cnv:
    input:
        counts=counts_of_patient,
        status=of_patient("status.json"),
        annotation=of_patient("annotation.parquet"),
        positional=of_patient("positional.parquet"),
        reference=REFERENCE,
        reference_qc=REFERENCE_QC,
        positions=local(POSITIONS),
        arms=local(ARMS),
    output:
        cnv="<results>/patients/{patient}/cnv.h5ad",
        cells="<results>/patients/{patient}/cnv_cells.parquet",
        arms="<results>/patients/{patient}/cnv_arms.parquet",
        heatmap=report(
            "<results>/patients/{patient}/cnv_heatmap.png",
            caption="../report/cnv_heatmap.rst",
            category="Copy number",
            labels={"patient": "{patient}"},
        ),
        patient="<results>/patients/{patient}/cnv_patient.parquet",
        origins="<results>/patients/{patient}/cnv_origins.parquet",
        normals="<results>/patients/{patient}/cnv_reference.parquet",
        limits="<results>/patients/{patient}/cnv_limits.parquet",
    log:
        "<logs>/infer_cnv/{patient}.log",
    benchmark:
        "<benchmarks>/infer_cnv/{patient}.tsv"
    conda:
        "../../envs/infercnv.yaml"
    threads: 1
    resources:
        mem_mb=by_size(patient_mb, 1500, 20),
        runtime=by_size(patient_mb, 30, 0.2),
    params:
        samples=lambda wildcards: [SAMPLES[sample] for sample in PATIENTS[wildcards.patient]],
        settings={"reference": SETTINGS["reference"], "cnv": SETTINGS["cnv"]},
        user_tables=["positions", "arms"],
    message:
        "Inferring the copy number of patient {wildcards.patient} ({log})"
    script:
        SCRIPT.replace("RULE", "infer_cnv")


rule split_cnv:
    input:
        cnv=of_its_patient("cnv.h5ad"),
        cells=of_its_patient("cnv_cells.parquet"),
        arms=of_its_patient("cnv_arms.parquet"),
    output:
        cnv="<results>/samples/{sample}/cnv.h5ad",
        cells="<results>/samples/{sample}/cnv_cells.parquet",
        arms="<results>/samples/{sample}/cnv_arms.parquet",
    log:
        "<logs>/split_cnv/{sample}.log",
    benchmark:
        "<benchmarks>/split_cnv/{sample}.tsv"
    conda:
        "../../envs/infercnv.yaml"
    threads: 1
    resources:
        mem_mb=by_size(sample_mb, 500, 2),
        runtime=by_size(sample_mb, 5, 0.02),
    params:
        sample=lambda wildcards: SAMPLES[wildcards.sample],
        settings={},
    message:
        "Writing the copy number of {wildcards.sample} ({log})"
    script:
        SCRIPT.replace("RULE", "split_cnv")
