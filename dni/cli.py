"""The `dni` command. Each command reads its arguments, calls one verb and prints; no rule lives here."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dni import settings as environment
from dni.errors import BadArgument, DniError, UsageError
from dni.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
tokens = typer.Typer(no_args_is_help=True, help="API tokens.")
demo = typer.Typer(no_args_is_help=True, help="Try the service without a carrier.")
app.add_typer(tokens, name="token")
app.add_typer(demo, name="demo")
accounts = typer.Typer(no_args_is_help=True, help="Accounts of people.")
app.add_typer(accounts, name="account")
privacy = typer.Typer(no_args_is_help=True, help="Tell a person what is held of him, or erase him.")
app.add_typer(privacy, name="privacy")

out = Console(soft_wrap=True, highlight=False, markup=False)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Data folder (DNI_DATA_DIR).", show_default="var")]


def main() -> None:
    """Entry point. A refusal is one line on stderr and exit status 1; bad arguments and files are 2."""
    try:
        app()
    except DniError as error:
        print(f"dni: {error.detail}", file=sys.stderr)
        sys.exit(2 if isinstance(error, BadArgument) else 1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (DNI_HOST).", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one (DNI_PORT).", show_default="8000")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes (DNI_WORKERS).", show_default="1")] = None,
    data_dir: DataDir = None,
    demo: Annotated[bool, typer.Option("--demo", help="On an empty ledger make a demo campaign.")] = False,
) -> None:
    """Serve, with an embedded Valkey and SQLite unless DNI_REDIS_URL and DNI_DATABASE_URL say otherwise."""
    from dni.host import counters, logs

    settings = environment.load(host=host, port=port, workers=workers, data_dir=data_dir)
    logs.configure(settings.log_level)
    # Before anything imports prometheus_client: it chooses where to count when it is imported.
    counters.count_together(settings.data_dir)
    from dni.start import start

    def announce(final: Settings, code: str) -> None:
        from dni.demo.command import ring
        from dni.demo.page import PATH, VISITS

        base = final.public_url or f"http://{_reachable(final.host)}:{final.port}"
        (final.data_dir / "address").write_text(base)
        lines = [f"dni serves on {base}", ""]
        if demo:
            lines.append(f"  Demo page   {base}{PATH}?{VISITS[0][1]}")
        lines += [
            f"  Dashboard   {base}/calls",
            f"  Sign in     {base}/signin?code={code}   (good once, for 15 minutes)",
            f"              or with the admin token in {final.data_dir / 'admin-token'}"
            if not final.admin_token
            else "              or with DNI_ADMIN_TOKEN",
        ]
        if demo:
            lines.append(f"  Ring        {ring(final)}   (in another terminal, after the demo page)")
        out.print("\n".join([*lines, ""]))

    raise typer.Exit(asyncio.run(start(settings, demo=demo, announce=announce)))


@app.command()
def apply(
    file: Annotated[
        Path, typer.Argument(help="TOML that declares campaigns, publishers, pools, numbers, tags, carriers.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the configuration to what FILE declares, and show what changes. The same file twice changes nothing."""
    from dni.api.apply import apply

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
    changes = _on_ledger(data_dir, lambda ledger, now_ms: apply(ledger, text, now_ms, dry_run=dry_run))
    for change in changes:
        out.print(f"{change.action:9}  {change.kind} {change.name}")
        for detail in change.details:
            out.print(f"             {detail}")
    if dry_run:
        out.print("a dry run: nothing was changed")


@app.command()
def size(
    arrivals_per_hour: Annotated[str | None, typer.Option(metavar="A", help="Visits in the busiest hour.")] = None,
    visit_seconds: Annotated[str | None, typer.Option(metavar="V", help="Mean length of a visit.")] = None,
    hold_seconds: Annotated[
        str | None, typer.Option(metavar="H", help="How long a number is kept after its visit.", show_default="120")
    ] = None,
    blocking: Annotated[
        str | None, typer.Option(metavar="P", help="Share of visits that may get no number.", show_default="0.01")
    ] = None,
    call_delay_seconds: Annotated[
        str | None, typer.Option(metavar="D", help="Mean time from a visit's end to its call.", show_default="600")
    ] = None,
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="Measure what is not given, over 28 days.")
    ] = False,
    pool: Annotated[str | None, typer.Option(metavar="ID", help="Measure this pool only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Say how many numbers a pool needs, and how many calls come after its numbers were given again."""
    from dni.pool import advise, sizing_text
    from dni.pool.measure import measure

    given = advise.Given(
        arrivals_per_hour=arrivals_per_hour,
        visit_seconds=visit_seconds,
        hold_seconds=hold_seconds,
        blocking=blocking,
        call_delay_seconds=call_delay_seconds,
        from_ledger=from_ledger,
        pool=pool,
    )
    asked = advise.read(given)
    found = _on_ledger(data_dir, lambda ledger, now_ms: measure(ledger, now_ms, pool)) if from_ledger else None
    advice = advise.advise(asked, found)
    out.print(sizing_text.as_json(advice) if as_json else sizing_text.as_text(advice))


@app.command()
def replay(
    events: Annotated[Path, typer.Argument(metavar="EVENTS.jsonl", help="The log: one JSON object a line.")],
    numbers: Annotated[str | None, typer.Option(metavar="N", help="How many numbers the pool has.")] = None,
    hold_seconds: Annotated[
        str | None, typer.Option(metavar="H", help="How long a number is kept after its visit.", show_default="120")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="protected: the service's own; fixed: 20 minutes.", show_default="protected")
    ] = None,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="ANSWERS.jsonl", help="Else stdout.")] = None,
    report: Annotated[bool, typer.Option(help="Compare with the truth in the log, on stderr.")] = True,
    plot: Annotated[bool, typer.Option("--plot", help="Draw how far confidences can be believed.")] = False,
) -> None:
    """Play a log of visits and calls through the lease engine, and write whom it credits each call to."""
    from dni.replay import options
    from dni.replay.report import as_text
    from dni.replay.run import run

    given = options.Given(events=events, numbers=numbers, hold_seconds=hold_seconds, rule=rule, out=out_file)
    asked = options.read(given)
    played = run(asked)
    if played.strangers:
        print(f"dni: {played.strangers:,} lines name a session that never visited; it had no number", file=sys.stderr)
    if report or plot:
        print(as_text(asked.rule, asked.numbers, played, with_plot=plot), file=sys.stderr)


@app.command()
def attribute(
    since: Annotated[
        str, typer.Option(metavar="DATE", help="Calls that rang from then on: 2026-11-01, or with a time.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Attribute stored calls anew, with what was learnt since. The former answers stay visible."""
    since_ms = _moment_ms("--since", since)

    async def run(ledger: Any, now_ms: int) -> Any:
        from dni.access import audit
        from dni.access.acts import Told
        from dni.access.model import COMMAND_LINE
        from dni.call.reattribute import reattribute
        from dni.catalog.load import load

        async with ledger.write() as connection:
            told = [Told("since", None, since)]
            await audit.note(connection, now_ms, COMMAND_LINE, "reattribute", None, told)
        return await reattribute(ledger, await load(ledger), since_ms, now_ms)

    done = _on_ledger(data_dir, run)
    out.print(
        f"{done.looked_at:,} calls on pooled numbers looked at, {done.changed:,} have another answer now, "
        f"{done.moved:,} of them another visit"
    )


@app.command()
def reconcile(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A carrier's or a network's list of calls.")],
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="It lists calls of this campaign.")] = None,
    publisher: Annotated[str | None, typer.Option(metavar="ID", help="It lists calls of this publisher.")] = None,
    carrier: Annotated[str | None, typer.Option(metavar="ID", help="It lists calls of this carrier account.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="Calls from then on; else from the list's first.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="DAY", help="Calls before then; else to the list's last.")] = None,
    window: Annotated[
        str | None, typer.Option(metavar="S", help="How far clocks may be apart.", show_default="120s")
    ] = None,
    tolerance: Annotated[
        str | None, typer.Option(metavar="S", help="How far durations may be apart.", show_default="2s")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times that tell none, and of days.", show_default="UTC")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="id=…,time=…", help="Headings, where they are not the usual ones.")
    ] = None,
    day_first: Annotated[bool, typer.Option("--day-first", help="22/11/2026, not 11/22/2026.")] = False,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="REPORT.csv", help="All that differs.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Compare a list of calls with ours: what is missing, extra or different. Exit status 1 if anything is."""
    from dni.payout import reconcile_options
    from dni.payout.reconcile_command import compare

    given = reconcile_options.Given(
        file=file,
        campaign=campaign,
        publisher=publisher,
        carrier=carrier,
        from_=from_,
        to=to,
        window=window,
        tolerance=tolerance,
        timezone=timezone,
        columns=columns,
        day_first=day_first,
        out=out_file,
    )
    asked = reconcile_options.read(given)
    if _on_ledger(data_dir, lambda ledger, _now_ms: compare(ledger, asked, out)):
        raise typer.Exit(1)


@app.command()
def conversions(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A shop's or a CRM's table of sales.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of each row.")] = False,
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="Only its calls are meant.")] = None,
    within_days: Annotated[
        int | None,
        typer.Option(metavar="N", help="How long before the sale the call began.", show_default="30, of clicks 90"),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times that tell none, and of days.", show_default="UTC")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="caller=…,at=…", help="Headings, where they are not the usual ones.")
    ] = None,
    day_first: Annotated[bool, typer.Option("--day-first", help="22/11/2026, not 11/22/2026.")] = False,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="REPORT.csv", help="What came of each row.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Bring sales back to the calls that led to them. Exit status 1 if a row could not be."""
    from dni.call.bring_command import Given, bring_file

    given = Given(
        file=file,
        dry_run=dry_run,
        campaign=campaign,
        within_days=within_days,
        timezone=timezone,
        columns=columns,
        day_first=day_first,
        out=out_file,
    )
    if not _on_ledger(data_dir, lambda ledger, now_ms: bring_file(ledger, now_ms, given, out)):
        raise typer.Exit(1)


@app.command()
def recount(data_dir: DataDir = None) -> None:
    """Make the columns that reports are counted from anew: the running service does, the rows count meanwhile."""

    async def run(ledger: Any, now_ms: int) -> int:
        from dni.report.chunks import open_all

        async with ledger.write() as connection:
            return await open_all(connection)

    opened = _on_ledger(data_dir, run)
    out.print(f"{opened:,} stretches of time are counted from their rows until the service has copied them anew")


@app.command("what-if")
def what_if(
    campaign: Annotated[str, typer.Option(metavar="ID", help="Whose past calls are tried.")],
    terms: Annotated[Path, typer.Option(metavar="FILE", help="The changed terms: .json, or .toml.")],
    publisher: Annotated[
        str | None, typer.Option(metavar="ID", help="They are this publisher's own, in place of the campaign's.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="Calls that began from then on.", show_default="30 days"),
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="DATE", help="Calls before that.", show_default="now")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Say what changed terms would have made of past calls, beside what was. Nothing is saved."""
    import gc

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dni.qualification import what_if_file, what_if_text
    from dni.qualification.what_if import Tried, what_if

    told = what_if_file.read(terms)
    since_ms = None if from_ is None else _moment_ms("--from", from_)
    until_ms = None if to is None else _moment_ms("--to", to)
    console = Console(stderr=True)
    bar = (TextColumn("calls"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("calls", total=None)

        async def run(ledger: Any, now_ms: int) -> Any:
            to_ms = until_ms or now_ms
            from_ms = to_ms - 30 * 86_400_000 if since_ms is None else since_ms
            tried = Tried(campaign=campaign, terms=told, publisher=publisher, from_ms=from_ms, to_ms=to_ms)
            gc.freeze()  # or each batch of rows has all modules searched for cycles
            return await what_if(ledger, tried, lambda done, total: progress.update(task, completed=done, total=total))

        found = _on_ledger(data_dir, run)
    out.print(what_if_text.as_json(found) if as_json else what_if_text.as_text(found))


@tokens.command("create")
def create_token(
    role: Annotated[str, typer.Option(help="admin, marketer, advertiser or publisher.")],
    campaign: Annotated[str | None, typer.Option(help="Id: sees this campaign only.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Id: sees this publisher only.")] = None,
    name: Annotated[str, typer.Option(help="To tell it from others.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Make an API token and print it, once."""
    import msgspec

    from dni.access import acts, audit
    from dni.access.model import COMMAND_LINE
    from dni.access.tokens import NewToken
    from dni.campaign import declare
    from dni.campaign.change import one_change
    from dni.web.body import invalid

    try:
        given = {"role": role, "name": name, "campaign": campaign, "publisher": publisher}
        new = msgspec.convert({key: value for key, value in given.items() if value is not None}, NewToken)
    except msgspec.ValidationError as error:
        raise invalid(error) from None

    async def make(ledger: Any, now_ms: int) -> str:
        async with one_change(ledger) as connection:
            made = await declare.token(connection, now_ms, new)
            await audit.note(connection, now_ms, COMMAND_LINE, "create_token", made.id, acts.told(new))
            return str(made.token)

    out.print(_on_ledger(data_dir, make))


@accounts.command("create")
def create_account(
    email: Annotated[str, typer.Argument(help="The e-mail address to sign in with.")],
    role: Annotated[str, typer.Option(help="admin, marketer, advertiser or publisher.")],
    name: Annotated[str, typer.Option(help="As it stands beside what the person does.")] = "",
    campaign: Annotated[str | None, typer.Option(help="Id: sees this campaign only.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Id: sees this publisher only.")] = None,
    callers: Annotated[bool, typer.Option("--callers", help="A publisher sees callers' numbers in full.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make an account, and print the link with which its holder chooses a password. No mail is sent."""
    from dni.access import terminal

    given = {"email": email, "role": role, "name": name, "campaign": campaign, "publisher": publisher}
    settings = environment.load(data_dir=data_dir)
    out.print(_on_ledger(data_dir, terminal.creating(settings, {**given, "callers": callers})))


Person = Annotated[str, typer.Argument(metavar="PERSON", help="An e-mail address, or the account's id.")]


@accounts.command("disable")
def disable_account(person: Person, data_dir: DataDir = None) -> None:
    """Sign somebody out everywhere and let him in no more. `dni account reset` lets him in again."""
    from dni.access import terminal

    out.print(_on_ledger(data_dir, terminal.disabling(person)))


@accounts.command("reset")
def reset_account(person: Person, data_dir: DataDir = None) -> None:
    """Print a new link with which somebody chooses a password; the present one, and all sign-ins, end."""
    from dni.access import terminal

    settings = environment.load(data_dir=data_dir)
    out.print(_on_ledger(data_dir, terminal.resetting(settings, person)))


Visitor = Annotated[str | None, typer.Option(metavar="ID", help="A visitor, by his id.")]
Session = Annotated[str | None, typer.Option(metavar="ID", help="A visitor, by one of his sessions.")]
Caller = Annotated[str | None, typer.Option(metavar="NUMBER", help="A caller, by his telephone number.")]


@privacy.command("export")
def export_person(
    visitor: Visitor = None,
    session: Session = None,
    caller: Caller = None,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="FILE.json", help="Else stdout.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write all that is held of one visitor or caller, as JSON. The service must run."""
    import json

    from dni.privacy import ask_service
    from dni.privacy.model import Who
    from dni.replay import output

    who = Who(visitor=visitor, session=session, caller=caller)
    told = ask_service.export(environment.load(data_dir=data_dir), who)
    with output.whole(out_file) as file:
        file.write((json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


@privacy.command("erase")
def erase_person(
    visitor: Visitor = None,
    session: Session = None,
    caller: Caller = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would go.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Erase one visitor or caller everywhere. Calls stay, as nobody's. It cannot be undone. The service must run."""
    from dni.privacy import ask_service
    from dni.privacy.model import Who

    settings, who = environment.load(data_dir=data_dir), Who(visitor=visitor, session=session, caller=caller)
    if dry_run or not yes:
        out.print(_rows_of(ask_service.erase(settings, who, dry_run=True)))
    if dry_run:
        out.print("a dry run: nothing was erased")
        return
    if not yes:
        typer.confirm("Erase this for good?", abort=True)
    out.print(f"erased: {_rows_of(ask_service.erase(settings, who, dry_run=False))}")


def _rows_of(removed: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in removed.items()) or "nothing is held"


@demo.command("call")
def demo_call(
    to: Annotated[str | None, typer.Option(help="Tracking number; without it the one leased last.")] = None,
    caller: Annotated[str, typer.Option("--from", help="The caller's number.")] = "+12125550142",
    talk_seconds: Annotated[int, typer.Option(min=0, max=14_400, help="How long they speak.")] = 95,
    carrier: Annotated[
        str | None, typer.Option(help="Id or name of the carrier account to play; without it the newest.")
    ] = None,
    keys: Annotated[str, typer.Option(help="What the caller presses, a key in each menu: 12.")] = "",
    unanswered: Annotated[int, typer.Option(min=0, max=50, help="So many phones are not picked up.")] = 0,
    data_dir: DataDir = None,
) -> None:
    """Ring the running service as Twilio would: signed inbound request, then answered, then ended."""
    from dni.demo.ring import ring

    settings = environment.load(data_dir=data_dir)
    call = ring(settings, to, caller, talk_seconds, out.print, carrier=carrier, keys=keys, unanswered=unanswered)
    asyncio.run(call)


@demo.command("fill")
def demo_fill(
    days: Annotated[float, typer.Option(min=0.01, max=365, help="How many days until now.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed makes the same visits.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Fill the demo with days of made-up visits and calls, played through the service's own code."""
    import uvloop
    from rich.console import Console
    from rich.progress import Progress

    from dni.demo.fill import fill

    settings = environment.load(data_dir=data_dir)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{days:g} days", total=1.0)

        def tell(done: float) -> None:
            progress.update(bar, completed=done)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            filled = runner.run(fill(settings, days, seed, tell))
    out.print(f"{filled.visits:,} visits and {filled.calls:,} calls of the last {days:g} days are in the ledger")


@demo.command("log")
def demo_log(
    out_file: Annotated[Path | None, typer.Option("--out", metavar="EVENTS.jsonl", help="Else stdout.")] = None,
    days: Annotated[float, typer.Option(min=0.001, max=3650)] = 7,
    arrivals_per_hour: Annotated[float, typer.Option(min=0.001, max=1e6)] = 60,
    visit_seconds: Annotated[float, typer.Option(min=1, max=86_400, help="Mean length of a visit.")] = 180,
    call_delay_seconds: Annotated[
        float, typer.Option(min=1, max=1e6, help="Mean time from a visit's end to its call, if it comes later.")
    ] = 600,
    seed: Annotated[int, typer.Option(help="The same seed makes the same log.")] = 1,
) -> None:
    """Make up a log of visits and calls for `dni replay`."""
    from dni.replay import generate, output

    traffic = generate.Traffic(days, arrivals_per_hour, visit_seconds, call_delay_seconds)
    with output.whole(out_file) as file:
        file.writelines(generate.lines(traffic, seed))


def _on_ledger(data_dir: Path | None, act: Callable[[Any, int], Coroutine[Any, Any, Any]]) -> Any:
    """Runs `act` on the ledger, migrated. A running service sees what it changes within a second."""
    from dni.clock import SystemClock
    from dni.ledger.engines import Ledger
    from dni.ledger.migrate import migrate

    settings = environment.load(data_dir=data_dir)

    async def run() -> Any:
        ledger = Ledger(settings.ledger_url)
        try:
            await migrate(ledger)
            return await act(ledger, SystemClock().now_ms())
        finally:
            await ledger.close()

    return asyncio.run(run())


def _moment_ms(option: str, text: str) -> int:
    """A date, or one with a time; without an offset it is UTC."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadArgument(f"{option}: a date such as 2026-11-01 or 2026-11-01T09:00-05:00, not {text!r}") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
