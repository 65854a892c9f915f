# Tables of the cohort: each script streams the samples' tables in the order of the sheet.

COHORT_TABLES = [
    "verdict",
    "markers",
    "samples",
    "composition",
    "ood",
    "origins",
    *CNV_TABLES,
    "gene_scores",
    "programs",
    "enrichment",
    "origin_genes",
    "origin_gene_sets",
    "evaluation",
    "sections",
    "integration",
]
GENE_SETS = config["explain"]["gene_sets"] or str(resource_path("gene_sets_human.gmt"))
CNV_OF_COHORT = {table: of_cohort(f"{table}.parquet") if CNV_ENABLED else [] for table in ("cnv_arms", "cnv_cells")}


rule collect_status:
    input:
        status=of_cohort("status.json"),
    output:
        samples="<results>/cohort/samples.parquet",
        samples_tsv="<results>/cohort/samples.tsv",
    log:
        "<logs>/collect_status.log",
    benchmark:
        "<benchmarks>/collect_status.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(500, 0.5),
        runtime=by_samples(10, 0.01),
    params:
        samples=SHEET,
        settings={},
    message:
        "Collecting the status of all samples ({log})"
    script:
        SCRIPT.replace("RULE", "collect_status")


rule collect_annotation:
    input:
        annotation=of_cohort("annotation.parquet"),
        shifts=of_cohort("shift.json"),
    output:
        annotation="<results>/cohort/annotation.parquet",
        composition="<results>/cohort/composition.parquet",
        composition_tsv="<results>/cohort/composition.tsv",
        ood="<results>/cohort/ood.parquet",
        ood_tsv="<results>/cohort/ood.tsv",
        origins="<results>/cohort/origins.parquet",
        origins_tsv="<results>/cohort/origins.tsv",
    log:
        "<logs>/collect_annotation.log",
    benchmark:
        "<benchmarks>/collect_annotation.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(700, 0.5),
        runtime=by_samples(10, 0.05),
    params:
        samples=list(SAMPLES.values()),
        settings={},
    message:
        "Collecting the annotation of all samples ({log})"
    script:
        SCRIPT.replace("RULE", "collect_annotation")


rule collect_verdict:
    input:
        verdict=of_cohort("verdict.parquet"),
        markers=expand("<results>/patients/{patient}/markers.parquet", patient=PATIENTS),
    output:
        verdict="<results>/cohort/verdict.parquet",
        verdict_tsv="<results>/cohort/verdict.tsv",
        markers="<results>/cohort/markers.parquet",
        markers_tsv="<results>/cohort/markers.tsv",
    log:
        "<logs>/collect_verdict.log",
    benchmark:
        "<benchmarks>/collect_verdict.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(500, 0.5),
        runtime=by_samples(10, 0.02),
    params:
        samples=list(SAMPLES.values()),
        settings={},
    message:
        "Counting the verdicts of all samples, and appending the marker genes of all patients ({log})"
    script:
        SCRIPT.replace("RULE", "collect_verdict")


rule collect_explanations:
    input:
        gene_scores=of_cohort("gene_scores.parquet"),
        programs=of_cohort("programs.parquet"),
    output:
        gene_scores="<results>/cohort/gene_scores.parquet",
        gene_scores_tsv="<results>/cohort/gene_scores.tsv",
        programs="<results>/cohort/programs.parquet",
        programs_tsv="<results>/cohort/programs.tsv",
    log:
        "<logs>/collect_explanations.log",
    benchmark:
        "<benchmarks>/collect_explanations.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(700, 0.5),
        runtime=by_samples(10, 0.1),
    params:
        settings={},
    message:
        "Collecting gene scores and programs of all samples ({log})"
    script:
        SCRIPT.replace("RULE", "collect_explanations")


rule enrichment:
    input:
        gene_scores="<results>/cohort/gene_scores.parquet",
        programs="<results>/cohort/programs.parquet",
        gene_sets=local(GENE_SETS),
    output:
        enrichment="<results>/cohort/enrichment.parquet",
        enrichment_tsv="<results>/cohort/enrichment.tsv",
    log:
        "<logs>/enrichment.log",
    benchmark:
        "<benchmarks>/enrichment.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(1000, 0),
        runtime=by_samples(30, 0),
    params:
        settings={},
        user_tables=["gene_sets"],
    message:
        "Testing gene sets in gene scores and programs ({log})"
    script:
        SCRIPT.replace("RULE", "enrichment")


rule collect_cnv:
    input:
        arms=CNV_OF_COHORT["cnv_arms"],
        cells=CNV_OF_COHORT["cnv_cells"],
        patients=of_patients("cnv_patient.parquet"),
        origins=of_patients("cnv_origins.parquet"),
        reference=of_patients("cnv_reference.parquet"),
        limits=of_patients("cnv_limits.parquet"),
    output:
        cnv_arms="<results>/cohort/cnv_arms.parquet",
        cnv_arms_tsv="<results>/cohort/cnv_arms.tsv",
        cnv_groups="<results>/cohort/cnv_groups.parquet",
        cnv_groups_tsv="<results>/cohort/cnv_groups.tsv",
        cnv_burden="<results>/cohort/cnv_burden.parquet",
        cnv_burden_tsv="<results>/cohort/cnv_burden.tsv",
        cnv_patients="<results>/cohort/cnv_patients.parquet",
        cnv_patients_tsv="<results>/cohort/cnv_patients.tsv",
        cnv_origins="<results>/cohort/cnv_origins.parquet",
        cnv_origins_tsv="<results>/cohort/cnv_origins.tsv",
        cnv_reference="<results>/cohort/cnv_reference.parquet",
        cnv_reference_tsv="<results>/cohort/cnv_reference.tsv",
        cnv_limits="<results>/cohort/cnv_limits.parquet",
        cnv_limits_tsv="<results>/cohort/cnv_limits.tsv",
    log:
        "<logs>/collect_cnv.log",
    benchmark:
        "<benchmarks>/collect_cnv.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(700, 0.5),
        runtime=by_samples(10, 0.05),
    params:
        samples=list(SAMPLES.values()) if CNV_ENABLED else [],
        settings={},
    message:
        "Collecting the copy number of all samples and patients ({log})"
    script:
        SCRIPT.replace("RULE", "collect_cnv")


rule evaluate:
    input:
        annotation="<results>/cohort/annotation.parquet",
        counts=list(COUNTS.values()),
        labels=BUNDLE["labels.parquet"],
    output:
        evaluation="<results>/cohort/evaluation.parquet",
        evaluation_tsv="<results>/cohort/evaluation.tsv",
        confusion="<results>/cohort/confusion.parquet",
    log:
        "<logs>/evaluate.log",
    benchmark:
        "<benchmarks>/evaluate.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_size(cohort_mb, 2000, 0.1),
        runtime=by_samples(10, 0.05),
    params:
        samples=SHEET,
        settings={},
    message:
        "Comparing the annotation with the truth where the sheet names one ({log})"
    script:
        SCRIPT.replace("RULE", "evaluate")


rule collect_cells:
    input:
        counts=list(COUNTS.values()),
        samples="<results>/cohort/samples.parquet",
        genes=of_cohort("genes.parquet"),
        annotation=of_cohort("annotation.parquet"),
        embedding=of_cohort("embedding.parquet"),
        cnv_cells=CNV_OF_COHORT["cnv_cells"],
        verdict=of_cohort("verdict.parquet"),
        vocabulary=BUNDLE["vocabulary.parquet"],
        umap="<results>/cohort/umap.parquet",
    output:
        annotated="<results>/cohort/annotated.h5ad",
    log:
        "<logs>/collect_cells.log",
    benchmark:
        "<benchmarks>/collect_cells.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=by_size(largest_mb, 1500, 3),
        runtime=by_samples(20, 0.2),
    params:
        samples=[{key: row[key] for key in (*COMPUTING, *DESCRIPTION) if key in row} for row in SHEET],
        settings={"title": SETTINGS["report"]["title"]},
    message:
        "Writing all annotated cells into one file ({log})"
    script:
        SCRIPT.replace("RULE", "collect_cells")


rule collect_sections:
    input:
        annotated="<results>/cohort/annotated.h5ad",
        bundle=list(BUNDLE.values()),
    output:
        sections="<results>/cohort/sections.parquet",
        sections_tsv="<results>/cohort/sections.tsv",
    log:
        "<logs>/collect_sections.log",
    benchmark:
        "<benchmarks>/collect_sections.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(1500, 0.2),
        runtime=by_samples(10, 0.01),
    params:
        settings={},
        results=["annotated"],
    message:
        "Choosing the cells of spatial samples that are drawn ({log})"
    script:
        SCRIPT.replace("RULE", "collect_sections")


rule compare_origins:
    input:
        annotated="<results>/cohort/annotated.h5ad",
        bundle=list(BUNDLE.values()),
        gene_sets=local(GENE_SETS),
    output:
        genes="<results>/cohort/origin_genes.parquet",
        genes_tsv="<results>/cohort/origin_genes.tsv",
        gene_sets="<results>/cohort/origin_gene_sets.parquet",
        gene_sets_tsv="<results>/cohort/origin_gene_sets.tsv",
    log:
        "<logs>/compare_origins.log",
    benchmark:
        "<benchmarks>/compare_origins.tsv"
    conda:
        "../../envs/cellmemory.yaml"
    threads: 1
    resources:
        mem_mb=by_samples(1500, 0.2),
        runtime=by_samples(15, 0.1),
    params:
        settings={},
        user_tables=["gene_sets"],
        results=["annotated"],
    message:
        "Comparing the OOD cells with their origins ({log})"
    script:
        SCRIPT.replace("RULE", "compare_origins")
