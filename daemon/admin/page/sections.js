// The parts of the page, each a function from what the daemon says to elements.

import { badge, byId, html, icon, keyed } from "./dom.js";
import { clock, clockElement, span, spanElement } from "./time.js";

export function showSummary(status, away) {
  const state = away ? "away" : status.ready ? "ready" : "not ready";
  const shape = { away: "stopped", ready: "running", "not ready": "failed" }[state];
  const health = byId("health");
  health.className = `health ${shape}`;
  health.replaceChildren(icon(shape), state);
  byId("summary").replaceChildren(
    html("span", {}, "target ", html("b", {}, targetText(status))), html("span", {}, status.mode),
    html("span", {}, `${status.modules_running} running${status.modules_failed ? `, ${status.modules_failed} failed` : ""}`));
  document.title = status.modules_failed ? `${status.modules_failed} failed · mimird` : `${state} · mimird`;
}

export function showFacts(status) {
  const source = { "command-line": "from the command line", stored: "stored by set-target", file: "from the file",
    default: "by default", changed: "by set-target" }[status.target_source] ?? status.target_source;
  const facts = [
    { name: "Version", value: status.version, more: status.build_revision && `revision ${status.build_revision}` },
    { name: "Target", value: targetText(status), more: source },
    { name: "Mode", value: status.mode },
    { name: "Running since", value: status.started && clock(status.started), since: status.started },
    { name: "Memory", value: status.resident_bytes && bytes(status.resident_bytes) },
    { name: "Threads", value: status.threads },
    { name: "Open files", value: status.open_fds },
    { name: "PID", value: status.pid },
    { name: "Revision", value: status.revision },
    { name: "Public port", value: status.http_address },
    { name: "Prometheus API", value: status.prometheus_prefix },
    { name: "Admin API", value: status.admin_socket },
    { name: "State folder", value: status.state_dir },
    { name: "Configuration", value: status.config_file },
  ].filter(({ value }) => value);
  keyed(byId("facts"), facts, ({ name }) => name, () => html("div"), (item, { name, value, more, since }) => {
    const small = since ? spanElement(since) : more;
    item.replaceChildren(html("dt", {}, name), html("dd", {}, String(value), small && html("small", {}, small)));
  });
}

/** What a person has to look at: failed modules, what else keeps the node from being ready, a journal that is not written. */
export function showProblems(status, modules) {
  const failed = modules.filter((module) => module.error).map((module) => ({
    key: `module ${module.name}`, subject: `${module.name} ${module.state}`, text: module.error,
    since: module.since, next: module.next_restart, restarts: module.restarts,
  }));
  const named = (line) => failed.some(({ text }) => line.includes(text));
  const others = status.not_ready.filter((line) => !named(line)).map((line) => ({ key: line, subject: "not ready", text: line }));
  if (status.journal && status.journal !== "ok") {
    others.push({ key: "journal", subject: "journal", text: `${status.journal}. Changes are refused until it can be written.` });
  }
  keyed(byId("problems"), [...failed, ...others], (problem) => problem.key, () => html("li"), (item, problem) => {
    const shape = problem.since ? "failed" : "warning";
    item.className = shape;
    item.replaceChildren(icon(shape), html("div", {},
      html("b", {}, problem.subject), problem.since && html("span", { class: "quiet" }, " for ", spanElement(problem.since)),
      html("p", { class: "error" }, problem.text),
      restartText(problem.restarts, problem.next)));
  });
}

export function showModules(modules) {
  keyed(byId("modules"), modules, (module) => module.name, createRow, (row, module) => {
    row.className = module.state;
    const cell = (label, ...content) => html("td", { "data-label": label }, ...content);
    row.replaceChildren(
      html("th", { scope: "row" }, module.name),
      cell("State", badge(module.state), module.error && html("p", { class: "error" }, module.error)),
      cell("Since", clockElement(module.since), " ", html("small", {}, spanElement(module.since))),
      cell("Restarts", String(module.restarts), module.next_restart && html("small", {}, ` next ${clock(module.next_restart)}`)),
      cell("Runs because", reason(module)),
      cell("Needs", module.dependencies.join(", ") || "nothing"),
      cell("Needed by", module.needed_by.join(", ") || "none"));
  });
}

export function showOperations(operations) {
  byId("operations-none").hidden = operations.length > 0;
  const newest = operations[0]?.id;
  const create = (operation) => {
    const details = html("details", { open: operation.id === newest || !hasEnded(operation) }, html("summary"), html("div"));
    return html("li", {}, details);
  };
  keyed(byId("operations"), operations, (operation) => operation.id, create, (item, operation) => {
    item.className = operation.state;
    const details = item.firstElementChild;
    details.firstElementChild.replaceChildren(
      badge(operation.state, kOperationShapes[operation.state]), html("b", {}, operation.summary),
      html("span", { class: "quiet" }, progress(operation)));
    details.lastElementChild.replaceChildren(
      html("p", { class: "quiet" }, `${operation.id}, by ${operation.requested_by}, `, clockElement(operation.created)),
      operation.error && html("p", { class: "error" }, operation.error),
      operation.note && html("p", {}, operation.note),
      ...operation.warnings.map((warning) => html("p", { class: "caution" }, icon("warning"), warning)),
      html("ol", { class: "steps" }, operation.steps.map(stepElement)));
  });
}

export function showEvents(events) {
  byId("events-none").hidden = events.length > 0;
  keyed(byId("events"), [...events].reverse(), (event) => event.cursor, () => html("li"), (item, event) => {
        item.replaceChildren(
      clockElement(event.time),
      html("div", {},
        event.severity !== "info" && badge(event.severity, event.severity === "error" ? "failed" : "warning"),
        html("b", {}, event.subject || event.kind), " ", event.message,
        event.operation && event.operation !== event.subject && html("span", { class: "quiet" }, ` ${event.operation}`),
        event.missed && html("p", { class: "quiet" }, `${event.missed} events before this one are no longer kept.`)));
  });
}

export function showEndpoints(status, modules) {
  const serving = modules.filter((module) => module.routes.length);
  byId("endpoints-none").hidden = serving.length > 0;
  const base = publicBase(status.http_address);
  const items = serving.map(({ name, routes }) => ({ name, routes: [...new Set(routes)].sort(), base }));
  keyed(byId("endpoints"), items, (item) => item.name, () => html("div"), (group, { name, routes }) => {
    const paths = routes.map((path) => html("li", {}, base && canOpen(path)
      ? html("a", { href: base + path.slice(1) }, path) : html("code", {}, path)));
    group.replaceChildren(html("dt", {}, name), html("dd", {}, html("ul", {}, paths)));
  });
}

const kOperationShapes = { pending: "planned", running: "busy", done: "done", failed: "failed", canceled: "undone" };
const kStepShapes = { planned: "planned", running: "busy", done: "done", failed: "failed", undone: "undone", skipped: "skipped" };

function createRow({ name }) {
  const row = html("tr");
  row.id = `module-${name}`;
  row.tabIndex = -1;
  return row;
}

function stepElement(step) {
  const took = step.started && step.ended ? span(Date.parse(step.ended) - Date.parse(step.started)) : "";
  return html("li", { class: step.state },
    icon(kStepShapes[step.state]), html("span", {}, `${step.action} ${step.subject}`),
    html("span", { class: "quiet" }, [step.state, took].filter(Boolean).join(", "),
      step.state === "running" && step.gate && `: until ${step.gate}`),
    step.error && html("p", { class: "error" }, step.error));
}

function targetText({ target }) {
  return target.split(",").join(", ");
}

function hasEnded({ state }) {
  return state !== "pending" && state !== "running";
}

/** "2 of 5 steps", or how long it took */
function progress({ state, steps, started, ended }) {
  if (state === "running") return `${steps.filter((step) => step.state === "done").length} of ${steps.length} steps`;
  return started && ended ? span(Date.parse(ended) - Date.parse(started)) : "";
}

function reason({ state, wanted, always, in_all, needed_by }) {
  if (always) return "always";
  if (wanted) return "asked for";
  if (state !== "stopped" && needed_by.length) return "needed";
  return html("span", { class: "quiet" }, in_all ? "part of all" : "–");
}

function restartText(restarts, next) {
  if (!restarts && !next) return null;
  const times = restarts === 1 ? "once" : `${restarts} times`;
  return html("p", { class: "quiet" }, restarts ? `Started again ${times}. ` : "", next && `Next start at ${clock(next)}.`);
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const value = count / 1024 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** Whether a GET without parameters gives something to read. */
function canOpen(path) {
  return /^(\/[\w.-]+)*\/(ready|services|config|metrics|runtime_config|ring|buildinfo|labels|metadata|rules|alerts)$/.test(path);
}

/** Where the public port is, as seen from here: this very port, or the address that the daemon names; "" when nowhere. */
function publicBase(address) {
  const port = /:(\d+)$/.exec(address ?? "")?.[1];
  if (!port) return "";
  const here = location.port || (location.protocol === "https:" ? "443" : "80");
  if (port === here) return "./";
  const host = address.slice(0, -port.length - 1);
  const anywhere = host === "" || host === "0.0.0.0" || host === "[::]" || host === "::";
  return `http://${anywhere ? location.hostname : host}:${port}/`;
}
