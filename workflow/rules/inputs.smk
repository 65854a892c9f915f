# Config and sample sheet: checked before any job, then turned into look-up tables for the rules.

CONFIG_FILES = list(map(str, workflow.configfiles))

try:
    check_config(config, read_schema("config"), files=CONFIG_FILES)
    validate(config, "../schemas/config.schema.yaml")
    SHEET = read_sheet(config["samples"], read_schema("samples"), files=CONFIG_FILES)
    # Jobs read this file again in processes of their own, and linting judges the code alone: neither opens the data.
    if workflow.is_main_process and "--lint" not in sys.argv:
        check_data(SHEET, config, files=CONFIG_FILES)
        if not config["model"]["bundle"]:
            from cellcohort.reference.stored_reference import planned_notes

            for note in planned_notes(config, SHEET):
                logger.warning(f"Reference: {note}.")
except InputError as error:
    raise WorkflowError(str(error)) from None

BUNDLE_FOLDER = config["model"]["bundle"]

# What decides results: a rule's param `settings` is the part of it that its results say they were made with.
SETTINGS = without_places(config)
SAMPLES = {row["sample_id"]: {key: row[key] for key in COMPUTING if key in row} for row in SHEET}
READ_AS = {sample: {key: row[key] for key in READING if key in row} for sample, row in SAMPLES.items()}
QC = {
    row["sample_id"]: {key: row.get(key, value) for key, value in config["qc"].items()}
    | {"of_sheet": [key for key in config["qc"] if key in row]}
    for row in SHEET
}
# local(): a module's prefix and a default storage are for results, not for the user's own files.
COUNTS = {row["sample_id"]: local(row["path"]) for row in SHEET}
PARTS = {row["sample_id"]: list(map(local, matrix_files(row["path"]))) for row in SHEET}
PATIENTS = samples_by_patient(SHEET)
KNOWN_ARMS = {row["sample_id"]: row["known_arms"] for row in SHEET if "known_arms" in row}
PANELS = config["vocabulary"]["panels"]
REFERENCE = [] if BUNDLE_FOLDER else local(config["reference"]["path"])
FINDINGS = "<results>/reference/findings.parquet" if REFERENCE else []
REFERENCE_QC = "<results>/reference/qc.parquet" if REFERENCE else []
BUNDLE = {
    name: local(os.path.join(BUNDLE_FOLDER, name)) if BUNDLE_FOLDER else f"<results>/model/{name}"
    for name in BUNDLE_FILES
}
VOCABULARY = BUNDLE["vocabulary.parquet"] if BUNDLE_FOLDER else "<results>/reference/vocabulary.parquet"
# The user's own tables, or those of the genome.
POSITIONS = config["cnv"]["positions"] or str(resource_path(f"gene_positions_{config['cnv']['genome']}.tsv.gz"))
ARMS = config["cnv"]["arms"] or str(resource_path(f"chromosome_arms_{config['cnv']['genome']}.tsv"))
