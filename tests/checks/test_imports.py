"""The house's rules, read from the imports: routes -> verbs -> stores -> pure values; nothing reaches outward."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Values and decisions: no I/O, no clock, no environment. Every `model.py` is one too.
PURE = {
    "access.acts",
    "access.password_rules",
    "api.accept",
    "api.report_file",
    "api.table",
    "attribution.area_codes",
    "attribution.credit",
    "attribution.delay",
    "attribution.learn",
    "attribution.match",
    "attribution.returning",
    "call.bring_csv",
    "call.bring_model",
    "call.outcome",
    "call.told",
    "call.views",
    "call.whose",
    "dashboard.act_words",
    "dashboard.ads_form",
    "dashboard.budget_form",
    "dashboard.budget_rows",
    "dashboard.call_route",
    "dashboard.carrier_fields",
    "dashboard.columns",
    "dashboard.condition_form",
    "dashboard.condition_rows",
    "dashboard.delivery_rows",
    "dashboard.destination_form",
    "dashboard.fields",
    "dashboard.figures",
    "dashboard.filters",
    "dashboard.forms",
    "dashboard.integration_form",
    "dashboard.integration_rows",
    "dashboard.integration_words",
    "dashboard.live_words",
    "dashboard.moments",
    "dashboard.outcome_form",
    "dashboard.overview_rows",
    "dashboard.payout_forms",
    "dashboard.payout_rows",
    "dashboard.policy_form",
    "dashboard.policy_pages",
    "dashboard.pool_use_rows",
    "dashboard.rehearsal_form",
    "dashboard.rooms",
    "dashboard.routing_draft",
    "dashboard.routing_starts",
    "dashboard.routing_words",
    "dashboard.rule_form",
    "dashboard.rule_words",
    "dashboard.setup_fields",
    "dashboard.setup_steps",
    "dashboard.source_rows",
    "dashboard.step_form",
    "dashboard.struct_fields",
    "dashboard.tag_changes",
    "dashboard.tag_form",
    "dashboard.tag_history",
    "dashboard.terms_draft",
    "dashboard.terms_rows",
    "dashboard.terms_words",
    "dashboard.timeline",
    "dashboard.trend",
    "dashboard.verdict_story",
    "dashboard.what_if_form",
    "dashboard.words",
    "dashboard.zones",
    "outbound.address",
    "outbound.answered",
    "outbound.backoff",
    "outbound.circuit",
    "outbound.click",
    "outbound.conversion",
    "outbound.entered",
    "outbound.example",
    "outbound.files",
    "outbound.ga4",
    "outbound.google_ads",
    "outbound.google_ads_answer",
    "outbound.google_ads_api",
    "outbound.google_ads_settings",
    "outbound.google_data_manager",
    "outbound.guard",
    "outbound.hubspot",
    "outbound.kinds",
    "outbound.lanes",
    "outbound.shown",
    "outbound.sigv4",
    "outbound.macros",
    "outbound.mapping",
    "outbound.meta",
    "outbound.microsoft_ads",
    "outbound.payload",
    "outbound.person",
    "outbound.postback",
    "outbound.presets",
    "outbound.reader",
    "outbound.salesforce",
    "outbound.signing",
    "outbound.templates",
    "outbound.tiktok",
    "outbound.wants",
    "outbound.webhook",
    "payout.listed",
    "payout.listed_values",
    "pool.events",
    "pool.keys",
    "pool.plot",
    "pool.record",
    "pool.sizing",
    "pool.use",
    "qualification.amounts",
    "qualification.budget",
    "qualification.checks",
    "qualification.columns",
    "qualification.expression",
    "qualification.facts_of",
    "qualification.judge",
    "qualification.language",
    "qualification.quick",
    "qualification.shown",
    "qualification.trial",
    "qualification.words",
    "replay.calibration",
    "replay.events",
    "replay.generate",
    "replay.report",
    "report.amounts",
    "report.columns",
    "routing.conditions",
    "routing.decision",
    "routing.doors",
    "routing.hours",
    "routing.lots",
    "routing.periods",
    "routing.plan",
    "session.channels",
    "session.click_ids",
    "session.ids",
    "session.news",
    "session.page_view",
    "session.params",
    "session.sites",
    "session.touch",
    "tag.cookie",
    "tag.encoded",
    "tag.origins",
    "tag.pattern",
    "tag.rules",
    "tag.wire",
    "telephony.accounts",
    "telephony.fields",
    "telephony.generic",
    "telephony.links",
    "telephony.markup",
    "telephony.plivo",
    "telephony.plivo_xml",
    "telephony.ports",
    "telephony.signalwire",
    "telephony.signatures",
    "telephony.telnyx",
    "telephony.twilio",
    "telephony.twiml",
}
# A noun's storage. May use the ledger, Redis and any room's pure values, but no workflow.
STORES = {
    "access.accounts",
    "access.audit",
    "access.invitations",
    "access.secrets",
    "access.signed_in",
    "access.signins",
    "access.tokens",
    "access.tries",
    "access.walls",
    "api.idempotency",
    "attribution.delays",
    "attribution.evidence",
    "call.callers",
    "call.calls",
    "call.credits",
    "call.news",
    "call.outcomes",
    "call.refusals",
    "call.search",
    "call.spool",
    "call.statements",
    "call.touches",
    "campaign.campaigns",
    "campaign.publishers",
    "outbound.claims",
    "outbound.conversions",
    "outbound.deliveries",
    "outbound.endpoints",
    "outbound.health",
    "outbound.outbox",
    "outbound.told_of_call",
    "outbound.told_of_others",
    "payout.balances",
    "payout.corrections",
    "payout.disputes",
    "payout.journal",
    "payout.statements",
    "pool.hours",
    "pool.leases",
    "pool.numbers",
    "pool.pools",
    "privacy.callers",
    "privacy.erasures",
    "privacy.messages",
    "privacy.retentions",
    "privacy.traces",
    "qualification.budgets",
    "qualification.counters",
    "qualification.dedupe",
    "qualification.limits",
    "qualification.terms",
    "qualification.unjudged",
    "qualification.verdicts",
    "routing.attempts",
    "routing.destinations",
    "routing.facts",
    "routing.rehearse",
    "routing.search",
    "session.search",
    "session.sessions",
    "tag.drafts",
    "tag.scripts",
    "tag.tags",
    "tag.versions",
    "telephony.carriers",
}
# Below all rooms: what they stand on.
GROUND = {"ledger", "live"}
OUTER = {"app", "cli", "housekeeping", "parent", "start", "__main__"}
HTTP_ROOMS = {"web", "api", "dashboard", "demo"}
IMPURE = {
    "sqlalchemy",
    "redis",
    "hiredis",
    "starlette",
    "httpx",
    "asyncio",
    "os",
    "time",
    "pathlib",
    "socket",
    "logging",
}


def modules() -> list[str]:
    """Names below `dni`, such as `pool.leases`; migrations are Alembic's."""
    files = (ROOT / "dni").rglob("*.py")
    names = (".".join(file.relative_to(ROOT / "dni").with_suffix("").parts) for file in files)
    return sorted(name.removesuffix(".__init__") for name in names if "migrations" not in name)


def kind(module: str) -> str:
    room, _, file = module.partition(".")
    if module in OUTER:
        return "outer"
    if room in GROUND or not file:
        return "ground"
    if file == "model" or module in PURE:
        return "pure"
    if module in STORES:
        return "store"
    return "routes" if file == "routes" else "verb"


def imports(module: str) -> Iterator[str]:
    """What a module imports: ours as `pool.leases`, others by their top name with a leading `!`."""
    path = ROOT / "dni" / Path(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"!{alias.name.split('.')[0]}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if not node.module.startswith("dni"):
                yield f"!{node.module.split('.')[0]}"
                continue
            inner = node.module.removeprefix("dni").lstrip(".")
            for alias in node.names:
                full = f"{inner}.{alias.name}".lstrip(".")
                yield full if full in ALL else inner


ALL = frozenset(modules())


def test_the_lists_name_files_that_exist() -> None:
    assert PURE | STORES | (OUTER - {"__main__"}) <= ALL


@pytest.mark.parametrize("module", sorted(m for m in ALL if kind(m) == "pure"))
def test_pure_files_import_values_only(module: str) -> None:
    for name in imports(module):
        if name.startswith("!"):
            assert name[1:] not in IMPURE, f"{module} decides, so it must not know {name[1:]}"
        elif "." in name:
            allowed = kind(name) == "pure" or name in ("ledger.schema", "web.body")
            assert allowed or module.startswith(("api.", "dashboard.")), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(m for m in ALL if kind(m) == "store"))
def test_stores_import_no_workflow(module: str) -> None:
    for name in imports(module):
        assert name.startswith("!") or kind(name) in ("pure", "store", "ground"), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(m for m in ALL if kind(m) == "verb"))
def test_workflows_import_no_routes(module: str) -> None:
    for name in imports(module):
        assert name.startswith("!") or kind(name) not in ("routes", "outer"), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(m for m in ALL if kind(m) == "ground"))
def test_the_ground_knows_no_room(module: str) -> None:
    if module == "parts":  # the one place that holds a process's parts together
        return
    for name in imports(module):
        assert name.startswith("!") or kind(name) == "ground", f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(ALL))
def test_http_is_known_to_doors_only(module: str) -> None:
    room, _, file = module.partition(".")
    if module not in OUTER and room not in HTTP_ROOMS and file not in ("routes", "door"):
        assert "!starlette" not in imports(module), f"{module} is no door, so it must not know Starlette"


@pytest.mark.parametrize("module", sorted(ALL - OUTER))
def test_nobody_reaches_up_to_the_composition(module: str) -> None:
    assert not OUTER & set(imports(module))


def test_every_room_says_what_may_live_in_it() -> None:
    for folder in (ROOT / "dni").iterdir():
        if folder.is_dir() and (folder / "__init__.py").exists():
            told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
            assert told, folder
            assert 1 <= len(told.splitlines()) <= 4, folder
