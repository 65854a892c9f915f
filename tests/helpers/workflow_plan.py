"""What Snakemake plans, read from its own objects instead of from what it prints."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from snakemake.api import SnakemakeApi, WorkflowApi
from snakemake.dag import DAG
from snakemake.jobs import GroupJob, Job
from snakemake.resources import GroupResources
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    GroupSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)
from tiny_cohort import REPO


def plan(folder: Path, snakefile: Path = REPO / "Snakefile", configfiles: tuple[str, ...] = ("config.yaml",)) -> DAG:
    """What a workflow plans in `folder`."""
    with _workflow(folder, snakefile, configfiles, ResourceSettings(cores=1)) as workflow:
        workflow.dag(dag_settings=DAGSettings()).printd3dag()
        return workflow._workflow.dag


def planned_jobs(folder: Path) -> list[Job]:
    """The jobs of the workflow in `folder`, in the order of their names and files."""
    return sorted(plan(folder).jobs, key=lambda job: (job.rule.name, list(job.output)))


def planned_groups(folder: Path, profile: dict) -> list[tuple[GroupJob, dict]]:
    """The groups that a profile makes of the workflow's jobs in `folder`, and what each asks a cluster for."""
    resources = ResourceSettings(
        cores=profile["cores"],
        nodes=profile["jobs"],
        resources=profile["resources"],
        default_resources=profile["default-resources"],
        overwrite_resources=profile["set-resources"],
        overwrite_resource_scopes=profile["set-resource-scopes"],
    )
    settings = GroupSettings(overwrite_groups=profile["groups"], group_components=profile["group-components"])
    with _workflow(folder, REPO / "Snakefile", ("config.yaml",), resources) as workflow:
        dag = workflow.dag(dag_settings=DAGSettings())
        dag.execute_workflow(executor="slurm", pseudo_executor="dryrun", group_settings=settings)
        groups = list(dict.fromkeys(workflow._workflow.dag._group.values()))
        # As in a run: a plan takes itself for a run on this machine, where groups ask for the sum of all.
        return [
            (group, GroupResources.basic_layered(group.toposorted, group.global_resources, False)) for group in groups
        ]


@contextlib.contextmanager
def _workflow(
    folder: Path, snakefile: Path, configfiles: tuple[str, ...], resources: ResourceSettings
) -> Iterator[WorkflowApi]:
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api,
    ):
        config = ConfigSettings(configfiles=[Path(name) for name in configfiles])
        yield api.workflow(resource_settings=resources, config_settings=config, snakefile=snakefile)
