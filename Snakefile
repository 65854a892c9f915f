# An include keeps the includer's default target, so this file names its own.
include: "workflow/Snakefile"


rule cohort:
    default_target: True
    input:
        rules.all.input,
