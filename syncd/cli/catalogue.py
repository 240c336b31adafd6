"""Which commands there are, where their code is, and the line `syncd --help` shows: known without importing any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its module below `syncd.cli.commands`, its name in the module, and its one line of help."""

    module: str
    attribute: str
    help: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("init", "init", "Write a config and a starter pack to begin with."),
    "demo": Entry("demo", "demo", "Show the whole main job on two sandbox CRMs."),
    "sandbox": Entry("sandbox", "sandbox", "Serve a fake Salesforce and a fake HubSpot."),
    "check": Entry("check", "check", "Validate a pack; every problem with its place."),
    "test": Entry("test", "test", "Run the cases that stand in a pack."),
    "fmt": Entry("fmt", "fmt", "Put a pack's YAML files into one layout, comments kept."),
    "docs": Entry("docs", "docs", "Tell a pack in plain English, as Markdown or HTML."),
    "export": Entry("export", "export", "Write the mirror as CSV files that `plan --accounts` reads."),
    "import": Entry(
        "import_territories", "import_territories", "Make a pack from an export of Salesforce territories."
    ),
    "schema": Entry("schema", "schema", "Print the JSON Schema of rule files, for editors."),
    "pull": Entry("pull", "pull", "Read the CRMs into the mirror."),
    "adopt": Entry("adopt", "adopt", "Take today's owners as the baseline."),
    "plan": Entry("plan", "plan", "Show which owners the rules would change, and why."),
    "approve": Entry("approve", "approve", "Approve a saved plan."),
    "apply": Entry("apply", "apply", "Write an approved plan to the CRMs."),
    "sync": Entry("sync", "sync", "Pull, plan, apply as the mode allows, and watch: once."),
    "leads": Entry("leads", "leads", "Read leads, route them, and watch their clock: once."),
    "watch": Entry("watch", "watch", "Evaluate the monitors and send what is due: once."),
    "notices": Entry("notices", "notices", "Tell reps what an applied plan changed for them, and why."),
    "audit": Entry("audit", "audit", "Show what is wrong with ownership today, without any rules."),
    "score": Entry("score", "score", "Show scores by band, and how they fit the deals won."),
    "compare": Entry("compare", "compare", "Show what moves between two packs over one book."),
    "backtest": Entry("backtest", "backtest", "Replay history under other rules."),
    "balance": Entry("balance", "balance", "Show how even books are, and moves that would even them."),
    "quota": Entry("quota", "quota", "Split a target over territories, and check it from below."),
    "forecast": Entry("forecast", "forecast", "Say where the period will end, with intervals."),
    "report": Entry("report", "report", "Show the whole book on one page, to read and to forward."),
    "explain": Entry("explain", "explain", "Say why an account is whose it is, or what a code means."),
    "undo": Entry("undo", "undo", "Plan the way back of what was written."),
    "drift": Entry("drift", "drift", "List what others changed; adopt it or plan it back."),
    "history": Entry("history", "history", "Show what the ledger knows of a record."),
    "feed": Entry("feed", "feed", "Print changes of owners as events, for other tools."),
    "leaver": Entry("leaver", "leaver", "Plan who gets the book of somebody who leaves."),
    "joiner": Entry("joiner", "joiner", "Plan the first book of somebody who starts."),
    "distribute": Entry("distribute", "distribute", "Plan how unworked accounts fill the books of a pool."),
    "exceptions": Entry("exceptions", "exceptions", "List exceptions by what they cost, and when they end."),
    "fairness": Entry("fairness", "fairness", "Show who of a pool got how much, and who is owed."),
    "runs": Entry("runs", "runs", "List what ran, when and how it ended."),
    "link": Entry("link", "link", "List which records are one company, and who might be."),
    "erase": Entry("erase", "erase", "Take out what syncd holds of a person or a record."),
    "alerts": Entry("alerts", "alerts", "List, show and acknowledge alerts."),
    "doctor": Entry("doctor", "doctor", "Prove that CRMs and installation are as syncd needs them."),
    "status": Entry("status", "status", "Say how syncd is, in one screen."),
    "metrics": Entry("metrics", "metrics", "Print metrics for Prometheus."),
    "freeze": Entry("freeze", "freeze", "Stop all writes before the next call."),
    "unfreeze": Entry("freeze", "unfreeze", "Allow writes again."),
    "serve": Entry("serve", "serve", "Run the daemon."),
    "console": Entry("console", "console", "Serve web pages: read plans, approve them, take alerts."),
    "pack": Entry("pack", "pack", "Fetch the pack from git."),
    "db": Entry("db", "db", "Upgrade, back up, restore and verify the database."),
    "system": Entry("system", "system", "Bind a CRM's mirror to another organization."),
    "decommission": Entry("decommission", "decommission", "Take syncd out of service, with nothing left under way."),
}
