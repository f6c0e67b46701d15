// The link with the daemon: what it says now, and each event as it comes.
//
// The event stream only says that something changed; status, modules and operations are then read anew, at most four
// times a second. Without a stream they are read every five seconds. When the daemon is away, it is asked again with
// growing pauses, and the stream is opened anew once it answers.

import { learnClock } from "./time.js";

const kRefreshMs = 250;
const kPollMs = 5000;
const kAnswerMs = 5000;
/** The daemon sends an empty line more often than this while nothing happens. */
const kSilenceMs = 60_000;
const kPausesMs = [1000, 2000, 4000, 8000, 15_000];
const kEventsKept = 200;

export class Feed {
  /**
   * on.data({status, modules, operations, events}): after each change of any; events are the newest last.
   * on.link({live, away}): away is null, or {why, since, retryAt} with times of Date.now().
   */
  constructor(on) {
    this.on = on;
    this.data = { status: null, modules: [], operations: [], events: [] };
    this.live = false;
    this.away = null;
    this.failures = 0;
    this.streamFailures = 0;
    this.answeredAt = Date.now();
    this.refreshedAt = 0;
    this.refreshing = null;
    this.changed = false;
    this.timer = null;
    this.stream = null;
  }

  start() {
    this.refresh();
  }

  /** Now, whatever the pause was. */
  retry() {
    this.failures = 0;
    this.refresh();
  }

  /** Reads all that there is; calls while one is under way become one more after it. */
  async refresh() {
    if (this.refreshing) {
      this.changed = true;
      return;
    }
    clearTimeout(this.timer);
    this.refreshing = this.read();
    const failed = await this.refreshing;
    this.refreshing = null;
    this.refreshedAt = Date.now();
    if (failed) {
      this.leave(failed);
    } else {
      this.arrive();
    }
  }

  async read() {
    try {
      const [status, modules, operations, events] = await Promise.all([
        getJson("admin/v1/status"),
        getJson("admin/v1/modules"),
        getJson("admin/v1/operations?limit=10"),
        this.live ? null : getJson("admin/v1/events?limit=50"),
      ]);
      Object.assign(this.data, { status, modules, operations });
      if (events && !this.live) this.data.events = events;
      return null;
    } catch (error) {
      return error;
    }
  }

  arrive() {
    if (this.away) this.streamFailures = 0;
    this.failures = 0;
    this.away = null;
    this.answeredAt = Date.now();
    this.schedule(this.changed ? kRefreshMs : kPollMs);
    this.changed = false;
    if (!this.stream) this.follow();
    this.on.link(this);
    this.tell();
  }

  leave(error) {
    const pause = kPausesMs[Math.min(this.failures, kPausesMs.length - 1)] * (0.9 + 0.2 * Math.random());
    this.failures += 1;
    this.changed = false;
    this.stream?.abort();
    this.away = { why: error.message, since: this.answeredAt, retryAt: Date.now() + pause };
    this.schedule(pause);
    this.on.link(this);
  }

  schedule(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), pause);
  }

  /** An event came: what it is about is read soon, and not more than four times a second. */
  touch() {
    if (this.refreshing) {
      this.changed = true;
    } else {
      this.schedule(Math.max(0, this.refreshedAt + kRefreshMs - Date.now()));
    }
  }

  /** Follows the events until the stream ends, and opens it anew after a pause if the daemon is there. */
  async follow() {
    const stream = (this.stream = new AbortController());
    try {
      const after = this.data.events.at(-1)?.cursor ?? 0;
      const answer = await fetch(`admin/v1/events?follow=true&after=${after}`, { signal: stream.signal, cache: "no-store" });
      if (!answer.ok || !answer.body) throw new Error(`answered ${answer.status}`);
      this.setLive(true);
      await readLines(answer.body, stream, (lines) => this.take(lines.map((line) => JSON.parse(line))));
    } catch {
      // Why is of no use to anyone: the next refresh says whether the daemon is there, and events are polled meanwhile.
    }
    stream.abort();
    this.setLive(false);
    const pause = kPausesMs[Math.min(this.streamFailures, kPausesMs.length - 1)];
    this.streamFailures += 1;
    this.touch();
    await new Promise((resolve) => setTimeout(resolve, pause));
    this.stream = null;
    if (!this.away) this.touch();
  }

  take(events) {
    this.streamFailures = 0;
    const known = this.data.events.at(-1)?.cursor ?? 0;
    const all = [...this.data.events, ...events.filter(({ cursor }) => cursor > known)];
    this.data.events = all.slice(-kEventsKept);
    this.tell();
    this.touch();
  }

  /** What goes wrong in showing is a fault of this page, not of the link. */
  tell() {
    try {
      this.on.data(this.data);
    } catch (error) {
      reportError(error);
    }
  }

  setLive(live) {
    if (this.live === live) return;
    this.live = live;
    this.on.link(this);
  }
}

async function getJson(url) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), kAnswerMs);
  try {
    const answer = await fetch(url, { signal: abort.signal, cache: "no-cache" });
    learnClock(answer.headers.get("Date"));
    if (!answer.ok) throw new Error(`mimird answers ${answer.status} ${answer.statusText}`.trim());
    return await answer.json();
  } catch (error) {
    if (abort.signal.aborted) throw new Error(`mimird has not answered within ${kAnswerMs / 1000} s`);
    throw error instanceof TypeError ? new Error("mimird cannot be reached") : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Calls take(lines) with those that came and are not empty; ends with the stream, or when it is silent for too long. */
async function readLines(body, abort, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const timer = setTimeout(() => abort.abort(), kSilenceMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    const full = lines.filter((line) => line.trim());
    if (full.length) take(full);
  }
}
