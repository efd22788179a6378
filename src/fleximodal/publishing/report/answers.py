"""The facts of a run that can answer a point of a checklist, by name."""

from collections.abc import Callable

from fleximodal.publishing.report import answers_counts as counts
from fleximodal.publishing.report import answers_method as method
from fleximodal.publishing.report import answers_results as results
from fleximodal.publishing.report import answers_sources as sources
from fleximodal.publishing.report import answers_study as study
from fleximodal.publishing.report.facts import Facts
from fleximodal.publishing.report.statuses import Answer

ANSWERS: dict[str, Callable[[Facts], Answer]] = {
    function.__name__: function
    for function in (
        counts.characteristics,
        sources.data_sharing,
        sources.datasets,
        sources.dates,
        sources.ethics,
        counts.exclusions,
        counts.faulty_values,
        counts.flow,
        counts.missing,
        sources.origin,
        counts.outcome,
        counts.parts,
        sources.population,
        sources.representative,
        counts.sample_size,
        counts.sampling_frame,
        sources.setting,
        counts.size_justified,
        sources.suitability,
        sources.why_population,
        method.baselines,
        method.code_version,
        method.evaluation_method,
        method.hyperparameters,
        method.imbalance,
        method.infrastructure,
        method.model_access,
        method.model_choice,
        method.model_selection,
        method.models,
        method.output_kind,
        method.predictors,
        method.transformations,
        results.duplicates,
        results.external,
        results.heterogeneity,
        results.interpretation,
        results.legitimacy,
        results.limitations,
        results.metrics,
        results.performance,
        results.scope,
        results.separation,
        results.tests,
        results.uncertainty,
        study.assessors,
        study.fairness,
        study.guide,
        study.intended_use,
        study.next_steps,
        study.objective,
        study.predictions,
        study.protocol,
        study.script,
        study.treatments,
        study.updating,
    )
}
