// The page of one node: shows what the daemon says, as it says it.

import { byId, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { Graph } from "./graph.js";
import { showEndpoints, showEvents, showFacts, showModules, showOperations, showProblems, showSummary } from "./sections.js";
import { clock, tick } from "./time.js";

const graph = new Graph(byId("graph"), byId("graph-frame"));
let data = null;
let link = { live: false, away: null };
let states = new Map();
let build = null;

const feed = new Feed({
  data(now) {
    data = now;
    reloadWhenReplaced(now.status);
    byId("main").hidden = false;
    showSummary(now.status, link.away);
    showFacts(now.status);
    showProblems(now.status, now.modules);
    graph.show(now.modules);
    showModules(now.modules);
    showOperations(now.operations);
    showEvents(now.events);
    showEndpoints(now.status, now.modules);
    announceChanges(now.modules);
  },
  link(now) {
    const wasAway = link.away;
    link = { live: now.live, away: now.away };
    if (data) showSummary(data.status, link.away);
    document.body.classList.toggle("is-away", Boolean(link.away));
    if (wasAway && !link.away) announce("mimird answers again");
    showLink();
  },
});

byId("retry").addEventListener("click", () => feed.retry());
setInterval(() => {
  tick();
  graph.tick();
  showLink();
}, 1000);
feed.start();

function showLink() {
  const { live, away } = link;
  byId("away").hidden = !away;
  setText(byId("feed"), away ? "" : live ? "live" : "every 5 s");
  if (!away) return;
  const seconds = Math.max(0, Math.round((away.retryAt - Date.now()) / 1000));
  const known = data ? ` What you see is from ${clock(away.since)}.` : "";
  setText(byId("away-text"), `${away.why}.${known}`);
  setText(byId("retry"), seconds > 0 ? `Try now (else in ${seconds} s)` : "Trying");
}

/** For screen readers: only what changed. */
function announceChanges(modules) {
  const changes = modules.filter(({ name, state }) => states.has(name) && states.get(name) !== state);
  if (changes.length) {
    announce(changes.map(({ name, state, error }) => `${name} ${state}${error ? `: ${error}` : ""}`).join("; "));
  }
  states = new Map(modules.map(({ name, state }) => [name, state]));
}

function announce(text) {
  setText(byId("announcements"), text);
}

/** Another build of the daemon brings a page of its own. */
function reloadWhenReplaced({ version, build_revision }) {
  const now = `${version} ${build_revision}`;
  if (build && build !== now) location.reload();
  build = now;
}
