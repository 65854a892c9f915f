rule project_umap:
    input:
        reference_embedding=BUNDLE["reference_embedding.parquet"],
        embedding=of_cohort("embedding.parquet"),
        annotation=of_cohort("annotation.parquet"),
        cnv_cells=CNV_OF_COHORT["cnv_cells"],
    output:
        umap="<results>/cohort/umap.parquet",
    log:
        "<logs>/project_umap.log",
    benchmark:
        "<benchmarks>/project_umap.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 2
    resources:
        mem_mb=by_samples(1200, 0.5),
        runtime=by_samples(30, 0.05),
    params:
        settings={"max_points": SETTINGS["report"]["max_points"]},
    message:
        "Mapping reference and cohort ({log})"
    script:
        SCRIPT.replace("RULE", "project_umap")


rule integration:
    input:
        reference_embedding=BUNDLE["reference_embedding.parquet"],
        embedding=of_cohort("embedding.parquet"),
        annotation=of_cohort("annotation.parquet"),
    output:
        integration="<results>/cohort/integration.parquet",
        integration_tsv="<results>/cohort/integration.tsv",
    log:
        "<logs>/integration.log",
    benchmark:
        "<benchmarks>/integration.tsv"
    conda:
        "../../envs/integration.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(2000, 0.5),
        runtime=by_samples(15, 0.05),
    params:
        settings={},
    message:
        "Measuring how well reference and cohort are integrated ({log})"
    script:
        SCRIPT.replace("RULE", "integration")


rule report:
    input:
        unpack(copy_number_of_report),
        samples="<results>/cohort/samples.parquet",
        verdict="<results>/cohort/verdict.parquet",
        markers="<results>/cohort/markers.parquet",
        annotation="<results>/cohort/annotation.parquet",
        composition="<results>/cohort/composition.parquet",
        ood="<results>/cohort/ood.parquet",
        origins="<results>/cohort/origins.parquet",
        evaluation="<results>/cohort/evaluation.parquet",
        confusion="<results>/cohort/confusion.parquet",
        umap="<results>/cohort/umap.parquet",
        integration="<results>/cohort/integration.parquet",
        sections="<results>/cohort/sections.parquet",
        gene_scores="<results>/cohort/gene_scores.parquet",
        enrichment="<results>/cohort/enrichment.parquet",
        origin_genes="<results>/cohort/origin_genes.parquet",
        origin_gene_sets="<results>/cohort/origin_gene_sets.parquet",
        qc=of_cohort("qc.parquet"),
        genes=of_cohort("genes.parquet"),
        labels=BUNDLE["labels.parquet"],
        history=BUNDLE["history.parquet"],
        metrics=BUNDLE["metrics.json"],
        calibration=BUNDLE["calibration.json"],
        findings=FINDINGS,
    output:
        report="<results>/report.html",
        umap=figure("umap", "Cells"),
        composition=figure("composition", "Cells"),
        ood=figure("ood", "Unlike the reference"),
        origins=figure("origins", "Unlike the reference"),
        qc=figure("qc", "Quality"),
        coverage=figure("coverage", "Quality"),
        training=figure("training", "Model"),
        confusion=figure("confusion", "Model"),
        qc_tsv="<results>/cohort/qc.tsv",
        qc_reasons_tsv="<results>/cohort/qc_reasons.tsv",
        coverage_tsv="<results>/cohort/coverage.tsv",
        umap_tsv="<results>/cohort/umap.tsv",
        training_tsv="<results>/cohort/training.tsv",
        held_out_tsv="<results>/cohort/held_out.tsv",
        confusion_tsv="<results>/cohort/confusion.tsv",
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(1500, 2),
        runtime=by_samples(15, 0.1),
    params:
        patients=list(PATIENTS) if CNV_ENABLED else [],
        settings=SETTINGS,
        config=config,
    message:
        "Writing the cohort report ({log})"
    script:
        SCRIPT.replace("RULE", "report")
