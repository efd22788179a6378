"""Jobs as actions of a crate, and the run of the workflow as a whole."""

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from fleximodal.publishing.provenance.entities import alone_or_all, thing, value
from fleximodal.publishing.provenance.files import Files
from fleximodal.publishing.provenance.history import History, Job
from fleximodal.publishing.provenance.workflow import Workflow


class Actions:
    """The actions of a crate: one per job, one per rule, and one for the whole run."""

    def __init__(
        self, crate: ROCrate, workflow: Workflow, history: History, files: Files, agent: Entity
    ) -> None:
        self.crate = crate
        self.workflow = workflow
        self.history = history
        self.files = files
        self.agent = agent

    def add_jobs(self) -> dict[str, list[Entity]]:
        """Add an action for every job; return them by rule."""
        by_rule: dict[str, list[Entity]] = {}
        for name in sorted(self.history.jobs):
            job = self.history.jobs[name]
            by_rule.setdefault(job.rule, []).append(self._add_job(job))
        return by_rule

    def add_steps(self, by_rule: dict[str, list[Entity]]) -> tuple[list[Entity], list[Entity]]:
        """Add a step per rule and the action of carrying it out; return both lists."""
        steps, controls = [], []
        for position, name in enumerate(self._in_order(by_rule), start=1):
            rule = self.workflow.rule(name)
            step = thing(
                self.crate,
                f"#step/{name}",
                "HowToStep",
                name=name,
                description=rule.description,
                position=str(position),
                workExample=self._script(name),
                buildInstructions=self._environment(name),
            )
            steps.append(step)
            controls.append(
                thing(
                    self.crate,
                    f"#control/{name}",
                    "ControlAction",
                    name=f"All jobs of rule {name}",
                    instrument=step,
                    object=alone_or_all(by_rule[name]),
                )
            )
        return steps, controls

    def add_run(
        self,
        main: Entity,
        controls: Sequence[Entity],
        settings: Sequence[Entity],
        results: Sequence[Entity],
    ) -> Entity:
        """Add the run of the workflow, and of Snakemake as what ran it; return the former."""
        jobs = self.history.jobs.values()
        run = thing(
            self.crate,
            "#run",
            "CreateAction",
            name="Run of the workflow",
            description=f"{len(jobs)} jobs, from raw files to tables and figures.",
            instrument=main,
            object=alone_or_all(
                [*settings, *(self.files.raw[name] for name in sorted(self.files.raw))]
            ),
            result=alone_or_all(list(results)),
            startTime=min(job.started for job in jobs),
            endTime=max(job.ended for job in jobs),
            agent=self.agent,
        )
        engine = thing(
            self.crate,
            "https://snakemake.github.io",
            "SoftwareApplication",
            name="Snakemake",
            url="https://snakemake.github.io",
            softwareVersion=self.workflow.engine,
        )
        thing(
            self.crate,
            "#engine",
            "OrganizeAction",
            name=f"Run of Snakemake {self.workflow.engine}",
            instrument=engine,
            object=alone_or_all(list(controls)),
            result=run,
            agent=self.agent,
        )
        return run

    def _add_job(self, job: Job) -> Entity:
        chosen = ", ".join(f"{key}={text}" for key, text in sorted(job.wildcards.items()))
        described = [
            value(self.crate, "settings", job.params, "Parameters of jobs, as JSON."),
            value(
                self.crate,
                "code",
                {"version": job.version, "commit": job.git_commit, "fingerprint": job.code},
                "Version of the package, commit of the checkout, and SHA-256 over all files of the "
                "package that the script imports.",
            ),
            value(
                self.crate,
                "environment",
                {key: job.environment[key] for key in ("python", "packages")},
                "Python and the packages that the job had imported.",
            ),
        ]
        return thing(
            self.crate,
            f"#job/{self.files.place(job.name)}",
            "CreateAction",
            name=f"{job.rule} {chosen}".strip(),
            description=f"{self.workflow.rule(job.rule).description} "
            f"{job.seconds} s on {job.threads} thread{'s' if job.threads > 1 else ''}.",
            instrument=self._script(job.rule),
            object=[*self.files.read_by(job), *described],
            result=alone_or_all(self.files.written_by(job)),
            startTime=job.started,
            endTime=job.ended,
            agent=self.agent,
        )

    def _script(self, rule: str) -> Entity:
        name = self.workflow.rule(rule).script
        return self.files.entities[self.workflow.file("workflow/scripts", name)]

    def _environment(self, rule: str) -> Entity:
        return self.files.entities[self.workflow.file("envs", self.workflow.rule(rule).environment)]

    def _in_order(self, by_rule: Iterable[str]) -> list[str]:
        before: dict[str, set[str]] = {name: set() for name in sorted(by_rule)}
        for job in self.history.jobs.values():
            before[job.rule] |= {
                self.history.jobs[other].rule for other in self.history.before(job)
            }
        order = TopologicalSorter({name: sorted(rules) for name, rules in before.items()})
        return list(order.static_order())
