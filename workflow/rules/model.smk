rule tokenise_reference:
    input:
        reference=REFERENCE,
        qc=REFERENCE_QC,
        vocabulary="<results>/reference/vocabulary.parquet",
    output:
        tokens="<results>/reference/tokens.arrow",
    log:
        "<logs>/tokenise_reference.log",
    benchmark:
        "<benchmarks>/tokenise_reference.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1
    resources:
        mem_mb=by_size(reference_mb, 1000, 2),
        runtime=by_size(reference_mb, 15, 0.05),
    params:
        settings={"reference": SETTINGS["reference"], "seed": SETTINGS["train"]["seed"]},
    message:
        "Turning the reference into tokens ({log})"
    script:
        SCRIPT.replace("RULE", "tokenise_reference")


rule train_model:
    input:
        tokens="<results>/reference/tokens.arrow",
        vocabulary="<results>/reference/vocabulary.parquet",
    output:
        weights="<results>/model/weights.safetensors",
        config="<results>/model/config.json",
        history="<results>/model/history.parquet",
        linear_models="<results>/reference/linear_models.safetensors",
    log:
        "<logs>/train_model.log",
    benchmark:
        "<benchmarks>/train_model.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 8
    resources:
        mem_mb=by_size(reference_mb, 6000, 4),
        runtime=at_most(config["train"]["max_runtime"], by_size(reference_mb, 240, 1)),
    params:
        # With its format: a bundle that this version cannot read is trained anew.
        settings={"format": BUNDLE_FORMAT, "preset": SETTINGS["model"]["preset"], "train": SETTINGS["train"]},
    message:
        "Training CellMemory on the reference ({log})"
    script:
        SCRIPT.replace("RULE", "train_model")


rule sum_healthy_types:
    input:
        reference=REFERENCE,
        qc=REFERENCE_QC,
        vocabulary="<results>/reference/vocabulary.parquet",
        positions=local(POSITIONS),
    output:
        healthy_types="<results>/model/healthy_types.parquet",
        positional="<results>/model/positional.json",
    log:
        "<logs>/sum_healthy_types.log",
    benchmark:
        "<benchmarks>/sum_healthy_types.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(reference_mb, 2000, 3),
        runtime=by_size(reference_mb, 15, 0.1),
    params:
        settings={"reference": SETTINGS["reference"]},
        user_tables=["positions"],
    message:
        "Summing the healthy types over all genes of the reference ({log})"
    script:
        SCRIPT.replace("RULE", "sum_healthy_types")


rule calibrate_model:
    input:
        tokens="<results>/reference/tokens.arrow",
        qc=REFERENCE_QC,
        vocabulary="<results>/reference/vocabulary.parquet",
        weights="<results>/model/weights.safetensors",
        config="<results>/model/config.json",
        history="<results>/model/history.parquet",
        linear_models="<results>/reference/linear_models.safetensors",
        healthy_types="<results>/model/healthy_types.parquet",
        positional="<results>/model/positional.json",
    output:
        vocabulary="<results>/model/vocabulary.parquet",
        labels="<results>/model/labels.parquet",
        calibration="<results>/model/calibration.json",
        profiles="<results>/model/profiles.safetensors",
        reference_embedding="<results>/model/reference_embedding.parquet",
        reference_tokens="<results>/model/reference_tokens.arrow",
        metrics="<results>/model/metrics.json",
        manifest="<results>/model/manifest.json",
    log:
        "<logs>/calibrate_model.log",
    benchmark:
        "<benchmarks>/calibrate_model.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 8
    resources:
        mem_mb=by_size(reference_mb, 5000, 2),
        runtime=by_size(reference_mb, 60, 0.5),
    params:
        settings={"train": SETTINGS["train"], "keep_ids": SETTINGS["model"]["keep_ids"]},
    message:
        "Calibrating confidence and OOD scores on reference cells ({log})"
    script:
        SCRIPT.replace("RULE", "calibrate_model")


# On its own, so that another licence repeats nothing.
rule write_model_card:
    input:
        config="<results>/model/config.json",
        vocabulary="<results>/model/vocabulary.parquet",
        labels="<results>/model/labels.parquet",
        reference_embedding="<results>/model/reference_embedding.parquet",
        metrics="<results>/model/metrics.json",
        manifest="<results>/model/manifest.json",
    output:
        card="<results>/model/card.json",
        text="<results>/model/card.md",
    log:
        "<logs>/write_model_card.log",
    benchmark:
        "<benchmarks>/write_model_card.tsv"
    conda:
        "../../envs/scanpy.yaml"
    threads: 1
    resources:
        mem_mb=by_size(reference_mb, 1000, 0.5),
        runtime=by_size(reference_mb, 5, 0.01),
    params:
        settings={name: SETTINGS["model"][name] for name in ("licence", "citation")},
    message:
        "Writing the card of the model ({log})"
    script:
        SCRIPT.replace("RULE", "write_model_card")


# Not part of a run: `snakemake leave_type_out` asks for it.
rule leave_type_out:
    input:
        tokens="<results>/reference/tokens.arrow",
        vocabulary="<results>/reference/vocabulary.parquet",
    output:
        table="<results>/reference/leave_type_out.parquet",
        tsv="<results>/reference/leave_type_out.tsv",
    log:
        "<logs>/leave_type_out.log",
    benchmark:
        "<benchmarks>/leave_type_out.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1
    resources:
        mem_mb=by_size(reference_mb, 4000, 2),
        runtime=by_size(reference_mb, 360, 2),
    params:
        settings={"seed": SETTINGS["train"]["seed"], "alpha": SETTINGS["ood"]["alpha"]},
    message:
        "Leaving each type out of the reference and looking for it ({log})"
    script:
        SCRIPT.replace("RULE", "leave_type_out")
