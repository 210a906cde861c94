"""The command tree of `andon`, with help in English and Chinese."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from andon_client.commands import (
    action,
    alarm,
    annotation,
    archive,
    arl,
    backtest,
    benchmark,
    budget,
    capability,
    cases,
    chart,
    clause,
    entity,
    events,
    explain,
    export,
    feed,
    form,
    funnel,
    load,
    overview,
    plan,
    privacy,
    problem,
    problems,
    quarantine,
    scores,
    sensor,
    signals,
    simulate,
    source,
    source_proposal,
    source_quality,
    source_webhook,
    status,
    survey,
    system,
    transfer,
    watch,
    weights,
)
from andon_client.presentation.help import requested_locale, translate
from andon_client.terminal import Context

INTERRUPTED, PIPE_CLOSED = 130, 141


class AndonGroup(TyperGroup):
    """Ends without a traceback on Ctrl-C and on a closed pipe; help is in the language of `--locale`."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **more: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        translate(self, requested_locale(given, os.environ))
        return super().main(given, *others, **more)

    def invoke(self, ctx: Any) -> Any:
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Remaining output has no reader: flushing it at exit must not fail.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        return done


app = typer.Typer(
    cls=AndonGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Real-time quality monitoring of service processes: indicators, control charts, verified improvement.",
    epilog="Start the services with `make run` or `python -m services`, then run: andon status",
)


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(envvar="ANDON_HOME", help="Folder with connection.json. Default: the nearest .andon folder."),
    ] = None,
    locale: Annotated[str, typer.Option(envvar="ANDON_LOCALE", help="Language of help and output: en or zh.")] = "en",
) -> None:
    context.obj = Context(home, locale)


def _add(to: typer.Typer, name: str, command: Any, example: str) -> None:
    to.command(name, epilog=f"Example: andon {example}")(command)


_add(app, "load", load.load_file, "load incidents.csv.gz --mapping examples/it-incidents.mapping.yaml")
_add(app, "export", export.export, "export incidents.xes.gz --from 2026-01-01 --to 2026-02-01 --zone Europe/Berlin")
_add(app, "events", events.events, "events --case INC0000045 --limit 10")
_add(app, "scores", scores.scores, "scores --indicator lead_time --window week --overall")
_add(app, "signals", signals.signals, "signals --since 2026-01-01 --json")
_add(app, "problems", problems.problems, "problems --all")
_add(app, "cases", cases.cases, "cases desk/main --left 2h")
_add(app, "chart", chart.chart, "chart desk/main/lead_time@day --svg chart.svg")
_add(app, "overview", overview.overview, "overview --window week")
_add(app, "funnel", funnel.funnel, "funnel desk/main/lead_time@all --dimension team")
_add(app, "budget", budget.budget, "budget desk/main/rework@day --allowed 0.05")
_add(app, "simulate", simulate.simulate, "simulate --staff 3 --arrivals 10 --service 0.25 --what-if staff=4")
_add(app, "capability", capability.capability, "capability desk/main/lead_time@day --upper 24 --since 2026-01-01")
_add(app, "loss", capability.loss, "loss desk/main/lead_time@day --cost 50 --tolerance 24 --currency EUR")
_add(app, "arl", arl.arl, "arl ewma --smoothing 0.1 --arl 370 --phase1 60")
_add(app, "ranking", weights.ranking, "ranking desk/main/overall@week --dimension team")
_add(app, "watch", watch.watch, "watch problems --journal problems.jsonl")
_add(app, "explain", explain.explain, "explain desk/main/lead_time@day --at 2026-01-05")
_add(app, "status", status.status, "status --json")

_systems = typer.Typer(no_args_is_help=True, help="Indicator systems: measures, weights, targets and control charts.")
_add(_systems, "lint", system.lint, "system lint examples/service-desk.system.yaml")
_add(_systems, "apply", system.apply, "system apply examples/service-desk.system.yaml --process desk")
_add(_systems, "diff", system.diff, "system diff desk/main --file examples/service-desk.system.yaml")
_add(_systems, "list", system.list_all, "system list --json")
_add(_systems, "activate", system.activate, "system activate desk/main --version 3")
app.add_typer(_systems, name="system")

_weights = typer.Typer(no_args_is_help=True, help="Weights of indicators: proposed, changed within a cap, logged.")
_add(_weights, "propose", weights.propose, "weights propose desk/main --compare speed/care=3 --data critic")
_add(
    _weights,
    "adjust",
    weights.adjust,
    "weights adjust desk/main --weight speed=0.7 --weight care=0.3 --reason 'customers ask for it'",
)
_add(_weights, "log", weights.log, "weights log desk/main")
_add(_weights, "change", weights.change, "weights change desk/main/overall@week --before 2026-01-05 --after 2026-02-02")
app.add_typer(_weights, name="weights")

_backtests = typer.Typer(no_args_is_help=True, help="Back-tests: what a version would have alarmed on.")
_add(
    _backtests,
    "create",
    backtest.create,
    "backtest create desk/main --file examples/service-desk.system.yaml --incident '2026-03-01=Printer down'",
)
_add(_backtests, "show", backtest.show, "backtest show backtests/6f1c3f0e-0000-4000-8000-000000000000")
_add(_backtests, "list", backtest.list_all, "backtest list --json")
_add(_backtests, "cancel", backtest.cancel, "backtest cancel backtests/6f1c3f0e-0000-4000-8000-000000000000")
app.add_typer(_backtests, name="backtest")

_alarms = typer.Typer(no_args_is_help=True, help="Alarms: whether they were true, and monitors as requested.")
_add(_alarms, "judge", alarm.judge, "alarm judge processes/desk/signals/0f3a9c51d27be4608a1c false --comment 'holiday'")
_add(_alarms, "verdicts", alarm.verdicts, "alarm verdicts")
_add(_alarms, "precision", alarm.precision, "alarm precision --since 2026-01-01")
_add(_alarms, "monitors", alarm.monitors, "alarm monitors --overall")
app.add_typer(_alarms, name="alarm")

_annotations = typer.Typer(no_args_is_help=True, help="Notes on series: what happened, and when.")
_add(
    _annotations,
    "create",
    annotation.create,
    "annotation create desk/main/lead_time --at 2026-03-02 --text 'New ticket tool' --kind change",
)
_add(_annotations, "list", annotation.list_all, "annotation list desk/main/lead_time@day")
_add(_annotations, "delete", annotation.delete, "annotation delete annotations/6f1c3f0e-0000-4000-8000-000000000000")
app.add_typer(_annotations, name="annotation")

_quarantine = typer.Typer(no_args_is_help=True, help="Refused events: find, correct by rule, replay, discard.")
_add(_quarantine, "list", quarantine.list_all, "quarantine list --counts")
_add(_quarantine, "show", quarantine.show, "quarantine show q_nkJc2mV0sQ4lXy1bT7fZAw")
_add(
    _quarantine,
    "correct",
    quarantine.correct,
    "quarantine correct --refusal EVENT_ID_MISSING --set 'id={quarantine_id}' --validate-only",
)
_add(_quarantine, "replay", quarantine.replay, "quarantine replay --source desk --reason 'ids were added'")
_add(_quarantine, "discard", quarantine.discard, "quarantine discard --source test --reason 'test data'")
app.add_typer(_quarantine, name="quarantine")

_privacy = typer.Typer(no_args_is_help=True, help="Identifiers of persons: what is found in texts, and erasures.")
_add(_privacy, "test", privacy.try_out, "privacy test 'Call Mr. Miller at +44 20 7946 0958'")
_add(_privacy, "erasures", privacy.erasures, "privacy erasures --json")
_add(
    _privacy,
    "certificate",
    privacy.certificate,
    "privacy certificate erasures/6f1c3f0e-0000-4000-8000-000000000000",
)
app.add_typer(_privacy, name="privacy")
_add(app, "erase", privacy.erase, "erase 'Ada Lovelace' ada@lovelace.example --reason 'asked by mail' --yes")

_transfers = typer.Typer(no_args_is_help=True, help="Transfers: whole files that the service reads by itself.")
_add(
    _transfers,
    "upload",
    transfer.upload,
    "transfer upload incidents.csv.gz --mapping examples/it-incidents.mapping.yaml",
)
_add(_transfers, "list", transfer.list_all, "transfer list")
_add(_transfers, "show", transfer.show, "transfer show 5d1c7f0e2b9a4c6d8e0f1a2b")
_add(_transfers, "cancel", transfer.cancel, "transfer cancel 5d1c7f0e2b9a4c6d8e0f1a2b")
app.add_typer(_transfers, name="transfer")

_archive = typer.Typer(no_args_is_help=True, help="The archive: events that have left the database for Parquet files.")
_add(_archive, "show", archive.show, "archive show")
_add(_archive, "run", archive.run_now, "archive run --validate-only")
_add(_archive, "verify", archive.verify, "archive verify")
app.add_typer(_archive, name="archive")

_sources = typer.Typer(
    no_args_is_help=True, help="Sources: how their raw records become events, and raw records for them."
)
_add(_sources, "create", source.create, "source create zendesk --template zendesk-audits")
_add(_sources, "show", source.show, "source show zendesk")
_add(_sources, "list", source.list_all, "source list --json")
_add(
    _sources,
    "update",
    source.update,
    "source update zendesk --mapping zendesk.yaml",
)
_add(_sources, "activity", source_quality.activity, "source activity")
_add(_sources, "quality", source_quality.quality, "source quality desk --since 2026-01-01")
_add(_sources, "propose", source_proposal.propose, "source propose audits.jsonl")
_add(_sources, "templates", source.templates, "source templates")
_add(_sources, "webhook", source_webhook.webhook, "source webhook zendesk --sender zendesk")
_add(_sources, "test", source.preview, "source test zendesk audits.jsonl")
_add(_sources, "write", source.write, "source write zendesk audits.jsonl")
app.add_typer(_sources, name="source")

_surveys = typer.Typer(no_args_is_help=True, help="Surveys: what is asked, who was invited, and what came back.")
_add(_surveys, "create", survey.create, "survey create branch-visit --template csat")
_add(_surveys, "show", survey.show, "survey show branch-visit")
_add(_surveys, "list", survey.list_all, "survey list --json")
_add(_surveys, "templates", survey.templates, "survey templates")
_add(_surveys, "invite", survey.invite, "survey invite branch-visit --count 200 --segment branch-7")
_add(_surveys, "invitations", survey.invitations, "survey invitations branch-visit --state open")
_add(_surveys, "mark", survey.mark, "survey mark branch-visit 0f3a9c51d27be4608a1c3d --state undeliverable")
_add(_surveys, "report", survey.report, "survey report branch-visit --since 2026-05-01")
app.add_typer(_surveys, name="survey")

_forms = typer.Typer(no_args_is_help=True, help="Observation forms: what is graded, by whom, when, and how alike.")
_add(_forms, "create", form.create, "form create room-check --template hotel-room")
_add(_forms, "show", form.show, "form show room-check")
_add(_forms, "list", form.list_all, "form list --json")
_add(_forms, "templates", form.templates, "form templates")
_add(_forms, "plan", form.plan, "form plan room-check --since 2026-05-04 --until 2026-05-11")
_add(_forms, "record", form.record, "form record room-check --rater Ann --object room-305 --grade bed=3")
_add(_forms, "report", form.report, "form report room-check --since 2026-05-01")
app.add_typer(_forms, name="form")

_entities = typer.Typer(no_args_is_help=True, help="Entities: what sources call by keys of their own, as one.")
_add(_entities, "create", entity.create, "entity create north-branch --kind location --title 'North branch'")
_add(_entities, "list", entity.list_all, "entity list --kind location")
_add(_entities, "show", entity.show, "entity show north-branch")
_add(
    _entities,
    "link",
    entity.link,
    "entity link north-branch --key desk:attributes.branch=N1 --key shop:attributes.site=17",
)
_add(_entities, "merge", entity.merge, "entity merge nord --into north-branch")
_add(_entities, "split", entity.split, "entity split north-branch --key shop:attributes.site=17 --into south-branch")
_add(_entities, "unmapped", entity.unmapped, "entity unmapped --source desk")
app.add_typer(_entities, name="entity")

_benchmarks = typer.Typer(no_args_is_help=True, help="Benchmarks: what others reach, and how a series compares.")
_add(
    _benchmarks, "create", benchmark.create, "benchmark create seen-in-time --file examples/seen-in-time.benchmark.yaml"
)
_add(_benchmarks, "show", benchmark.show, "benchmark show seen-in-time")
_add(_benchmarks, "list", benchmark.list_all, "benchmark list --state expired")
_add(
    _benchmarks, "update", benchmark.update, "benchmark update seen-in-time --file examples/seen-in-time.benchmark.yaml"
)
_add(_benchmarks, "compare", benchmark.compare, "benchmark compare seen-in-time wards/main/seen_in_time@month")
app.add_typer(_benchmarks, name="benchmark")

_clauses = typer.Typer(no_args_is_help=True, help="Clauses of policies and regulations, and what watches each.")
_add(
    _clauses,
    "create",
    clause.create,
    "clause create iso-9001-9-1-2 --file examples/iso-9001-9-1-2.clause.yaml",
)
_add(_clauses, "show", clause.show, "clause show iso-9001-9-1-2")
_add(_clauses, "list", clause.list_all, "clause list --json")
_add(
    _clauses,
    "update",
    clause.update,
    "clause update iso-9001-9-1-2 --file examples/iso-9001-9-1-2.clause.yaml",
)
_add(_clauses, "coverage", clause.coverage, "clause coverage --system wards/main")
app.add_typer(_clauses, name="clause")

_sensors = typer.Typer(no_args_is_help=True, help="Sensors: readings at a high rate, stored as exact statistics.")
_add(_sensors, "create", sensor.create, "sensor create cold-store --file examples/cold-store.sensors.yaml")
_add(_sensors, "show", sensor.show, "sensor show cold-store")
_add(_sensors, "list", sensor.list_all, "sensor list --json")
_add(_sensors, "write", sensor.write, "sensor write cold-store examples/cold-store.csv")
_add(_sensors, "system", sensor.system, "sensor system cold-store")
app.add_typer(_sensors, name="sensor")

_feeds = typer.Typer(no_args_is_help=True, help="KPI feeds: figures by period and unit, without a case behind them.")
_add(_feeds, "create", feed.create, "feed create wards --file examples/wards.feed.yaml")
_add(_feeds, "show", feed.show, "feed show wards")
_add(_feeds, "list", feed.list_all, "feed list --json")
_add(_feeds, "update", feed.update, "feed update wards --file examples/wards.feed.yaml")
_add(_feeds, "write", feed.write, "feed write wards examples/wards.csv")
_add(_feeds, "system", feed.system, "feed system wards")
app.add_typer(_feeds, name="feed")

_problem = typer.Typer(no_args_is_help=True, help="A problem, from acknowledgement to closure.")
_add(_problem, "show", problem.show, "problem show problems/7")
_add(
    _problem,
    "open",
    problem.open_problem,
    "problem open it-desk --origin complaint --title 'No answer for a week' --reference C-1042",
)
_add(_problem, "acknowledge", problem.acknowledge, "problem acknowledge problems/7")
_add(_problem, "cause", problem.cause, "problem cause problems/7 --class process --title 'No check before repair'")
_add(_problem, "dismiss", problem.dismiss, "problem dismiss problems/7 --reason 'annual fair'")
_add(_problem, "undo", problem.undo, "problem undo problems/7 dismiss --reason 'it came back after the fair'")
_add(_problem, "assign", problem.assign, "problem assign problems/7 --owner 'team leads' --watcher quality")
_add(
    _problem,
    "snooze",
    problem.snooze,
    "problem snooze problems/7 --until 2026-04-07 --reason 'new rota from Tuesday'",
)
_add(_problem, "note", problem.note, "problem note problems/7 'ask @team-b about the rota'")
_add(_problem, "close", problem.close, "problem close problems/7 --validate-only")
app.add_typer(_problem, name="problem")

_action = typer.Typer(no_args_is_help=True, help="Improvement actions and the verification of their effect.")
_add(
    _action, "plan", plan.plan, "action plan problems/7 --title 'Check first' --owner 'team leads' --baseline-period 6w"
)
_add(_action, "start", action.start, "action start problems/7/actions/1 --at 2026-04-07")
_add(_action, "complete", action.complete, "action complete problems/7/actions/1 --at 2026-04-09")
_add(_action, "cancel", action.cancel, "action cancel problems/7/actions/1 --reason 'no budget'")
_add(_action, "verify", action.verify, "action verify problems/7/actions/1")
app.add_typer(_action, name="action")
