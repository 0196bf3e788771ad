"""Page of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from thriftnet.commands import command
from thriftnet.recipe.keys import flatten
from thriftnet.report.page import THIS_PAGE, Page, Section, VerdictCard
from thriftnet.report.study import keys, refined, validated, verdicts
from thriftnet.report.study.candidates import candidates_table, pareto_table
from thriftnet.report.study.halving import draw_halving
from thriftnet.report.study.parallel import draw_parallel
from thriftnet.report.study.record import StudyRecord
from thriftnet.report.study.tradeoffs import draw_tradeoffs
from thriftnet.report.study.words import setting_text, shown_label
from thriftnet.table import Table, clock, make_table
from thriftnet.training.environment import package_version

_T = TypeVar("_T")


def study_page(record: StudyRecord) -> Page:
    """Make the page of a study; missing parts are listed in `missing`."""
    missing = list(record.missing)
    sections = [
        Section("Result", cards=_result(record)),
        Section("What accuracy costs", tuple(draw_tradeoffs(record)), _some(pareto_table(record))),
        _keys(record, missing),
        Section("Halving", tuple(draw_halving(record))),
        _stages(record),
        Section(
            "Refinement",
            _some(refined.draw_refinement(record)),
            _some(refined.refinement_table(record)),
        ),
        Section(
            "Validation",
            _some(validated.draw_validation(record)),
            _some(validated.validation_table(record)),
        ),
        Section("Candidates", (), (candidates_table(record),)),
        Section("Space and commands", (), (_space_table(record),), _commands(record)),
    ]
    space = record.space
    return Page(
        title=record.study.path.resolve().name,
        subtitle=f"Search of the space {space.name}"
        + (f": {space.description}" if space.description else ""),
        facts=_facts(record),
        missing=tuple(missing),
        sections=tuple(s for s in sections if s.drawings or s.tables or s.cards),
        footer=f"Written by thriftnet {package_version()}. Accuracies are of validation images "
        "unless marked test. The figures are in figures/ as PNG and SVG.",
        folders=_folders(record),
    )


def _folders(record: StudyRecord) -> tuple[Path, ...]:
    """Folders of this machine that the space and the commands name."""
    data = record.space.base.get("data")
    dataset = data.get("dataset") if isinstance(data, dict) else None
    found = [record.study.path.absolute().parent.parent, Path(str(dataset or "")).parent]
    return tuple(folder for folder in found if folder.is_absolute())


def _facts(record: StudyRecord) -> tuple[tuple[str, str], ...]:
    """The most important numbers."""
    over = record.snapshot.over_budget
    refined = sum(trial.refined for trial in record.trained)
    candidates = f"{len(record.snapshot.competing)}"
    candidates += f" and {refined} refined" if refined else ""
    candidates += f", {over} over budget" if over else ""
    facts = [
        ("Stages", _standing(record)),
        ("Candidates", candidates),
        ("Training time", _time(record)),
    ]
    if record.space.reference:
        facts.insert(2, ("Rank of the reference", _reference_place(record)))
    if record.pflop is not None:
        facts.append(("Operations", f"{record.pflop:.3g} PFLOP"))
    share = record.outcome("grid").get("share_of_exhaustive")
    if share is not None:
        facts.append(("Share of the exhaustive search", f"{share:.0%}"))
    test = record.outcome("validation").get("test")
    if test:
        facts.append((f"Winner's test accuracy ({test['tta']})", f"{test['accuracy']:.2%}"))
    return tuple(facts)


def _standing(record: StudyRecord) -> str:
    left = [each for each in record.stages if each.state != "done"]
    if not left:
        return "all done"
    first = left[0]
    of = "" if first.expected is None else f", {first.done} of {first.expected}"
    return f"{first.name} {first.state}{of}"


def _reference_place(record: StudyRecord) -> str:
    reference = record.reference
    if reference is None:
        return "not in the space"
    if reference.candidate.refused:
        return "over budget"
    ranked = record.ranked
    if reference not in ranked:
        return "not trained yet"
    told = f"{ranked.index(reference) + 1} of {len(ranked)}"
    contenders = record.outcome("validation").get("ranking", [])
    for place, entry in enumerate(contenders, start=1):
        if entry["reference"]:
            return f"{told}; {place} of {len(contenders)} validated"
    return told


def _time(record: StudyRecord) -> str:
    rows = [
        row for rows in record.snapshot.jobs.values() for row in rows if row.seconds is not None
    ]
    seconds = sum(map(record.snapshot.seconds, rows))
    hours = f" ({seconds / 3600:.2f} h)" if seconds >= 360 else ""
    return f"{clock(seconds)}{hours}"


def _result(record: StudyRecord) -> tuple[VerdictCard, ...]:
    """The best candidate and its evidence."""
    best = record.best
    if best is None:
        return (
            VerdictCard(
                says="Nothing has finished yet",
                words="The table of candidates below lists what will be trained.",
                command=record.study.search_command(),
            ),
        )
    outcome = record.outcome("validation")
    reference = ", the reference" if best.candidate.reference else ""
    facts = [
        ("Parameters", f"{best.candidate.parameters:,}"),
        ("MACs per image", f"{best.candidate.macs:,}"),
    ]
    if outcome:
        words = " ".join(validated.verdict_sentences(record))
        test = outcome.get("test")
        if test:
            low, high = test["accuracy_interval"]
            words += (
                f" On the test images, evaluated once with seed {test['seed']}, it has "
                f"{test['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%})."
            )
        trained = command("train", record.study.winner_path)
        where = f"The winner{reference}"
        return (
            VerdictCard(
                shown_label(best.candidate.label), where, words, facts=tuple(facts), command=trained
            ),
        )
    words = (
        f"Validation accuracy {best.value or 0:.2%} after {best.reached} of "
        f"{record.full} epochs, with one seed. The best of many candidates is partly "
        "luck; the validation with several seeds is not done yet."
    )
    return (
        VerdictCard(
            shown_label(best.candidate.label),
            f"Best so far{reference}",
            words,
            facts=tuple(facts),
            command=record.study.search_command(),
        ),
    )


def _keys(record: StudyRecord, missing: list[str]) -> Section:
    weighed = [each for each in keys.weigh_keys(record) if each.trials]
    missing += [text for each in weighed if (text := keys.too_little(each))]
    drawn = [drawing for each in weighed if (drawing := keys.draw_importance(each))]
    tables = (keys.values_table(record),) if record.trained else ()
    parallel = draw_parallel(record)
    return Section("Settings", (*drawn, *_some(parallel)), tables)


def _stages(record: StudyRecord) -> Section:
    outcome = record.outcome("analysis")
    networks = outcome.get("networks", [])
    if not networks:
        return Section("Stages of the best")
    how = VerdictCard("Rules of the verdicts", words=verdicts.rules_in_words(outcome["rules"]))
    tables = (verdicts.stages_table(networks), verdicts.networks_table(networks))
    return Section(
        "Stages of the best", tuple(verdicts.draw_stages(networks)), tables, cards=(how,)
    )


def _space_table(record: StudyRecord) -> Table:
    tree = record.space.model_dump(mode="json", exclude={"base", "grid", "reference", "set"})
    parts = {
        **flatten(tree),
        **{f"grid.{k}": "   ".join(map(setting_text, v)) for k, v in record.space.grid.items()},
        **{f"set.{k}": v for k, v in flatten(record.space.set).items()},
        **{f"reference.{k}": v for k, v in record.space.reference.items()},
        **{f"base.{k}": v for k, v in flatten(record.space.base).items()},
    }
    rows = [(key, setting_text(value)) for key, value in parts.items()]
    return make_table(("key", "value"), rows, title="Space", folded=True)


def _commands(record: StudyRecord) -> tuple[tuple[str, str], ...]:
    study = record.study
    again = study.path.with_name(study.path.resolve().name + "-again")
    place = [study.path, *study.storage_words()]
    commands = [
        ("The same search again:", command("search", study.space_path, "--study", again)),
        ("Show its status:", command("search", "status", *place)),
        (THIS_PAGE, command("report", *place)),
    ]
    if any(each.state != "done" for each in record.stages):
        commands.insert(0, ("Resume it:", study.search_command()))
    if study.winner_path.is_file():
        commands.insert(0, ("Train the winner in full:", command("train", study.winner_path)))
    return tuple(commands)


def _some(found: _T | None) -> tuple[_T, ...]:
    return () if found is None else (found,)
