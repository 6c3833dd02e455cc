// Keeps an open page up to date by server-sent events: who is on the phone, today's figures, and that calls came in.
// Without it, or without a free place at the server, the page stays as it was read.
(() => {
  const AGAIN_MS = 60_000;
  const TRIES = 10; // the server is full, or the reader signed out

  const page = document.querySelector("[data-live]");
  const state = page.querySelector("[data-live-state]");
  const onPhone = page.querySelector(".on-phone");
  const fresh = page.querySelector(".new-calls");
  let source, last, failures = 0;

  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const isolated = (text) => element("bdi", "", text);
  const badge = ({ label, tone }) => element("span", `badge ${tone}`, label);
  const find = (root, id) => root.querySelector(`[data-call="${CSS.escape(id)}"]`);

  // Overview: the list of who is on the phone.
  function phone(call) {
    show(call);
    page.querySelector(".nobody").hidden = onPhone.childElementCount > 0;
  }
  function show(call) {
    const known = find(onPhone, call.id);
    if (!call.is_live) return known?.remove();
    const link = element("a", "", element("strong", "", call.caller ? isolated(call.caller) : "withheld"));
    link.href = `/calls/${encodeURIComponent(call.id)}`;
    const time = element("time", "", call.when);
    time.dateTime = call.at;
    const came = [call.source, call.medium].filter(Boolean).flatMap((text, n) => (n ? [" / ", isolated(text)] : [isolated(text)]));
    if (came.length && call.keyword) came.push(", ", isolated(call.keyword));
    const item = element(
      "li", "",
      element("span", "", link, " ", badge(call)),
      element("span", "soft nowrap", "since ", time),
      element("span", "why", ...(came.length ? came : ["No source is known yet."])),
    );
    item.dataset.call = call.id;
    if (!known) return onPhone.prepend(item);
    if (known.textContent.replace(/\s+/g, " ").trim() !== item.textContent) known.replaceWith(item);
  }

  // Overview: today's figures, in their cards and in the table that the chart is drawn from.
  function figures(all) {
    for (const { name, value, says, change } of all) {
      const card = page.querySelector(`[data-figure="${name}"]`);
      if (!card) continue;
      card.querySelector("[data-value]").textContent = value;
      card.querySelector("[data-says]").textContent = says.charAt(0).toUpperCase() + says.slice(1);
      card.querySelector(".change")?.remove();
      if (change) {
        const glance = element("span", "", change.text);
        glance.ariaHidden = "true";
        card.querySelector("[data-value]").after(" ", element("span", `change ${change.tone}`, glance, element("span", "hidden", change.spoken)));
      }
      const cell = page.querySelector(`[data-today="${name}"]`);
      if (cell) {
        cell.textContent = value;
        cell.dataset.value = value.replaceAll(",", "");
      }
    }
    dispatchEvent(new Event("dni:changed"));
  }

  // List of calls: rows change their result; new calls are offered, so that nothing moves under the reader's hand.
  const seen = new Set();
  function list(call) {
    const row = find(page, call.id);
    if (row) row.querySelector(".c-status .badge")?.replaceWith(badge(call));
    else if (call.at_ms >= Number(page.dataset.since) && fits(call)) offer(seen.add(call.id).size);
  }
  const fits = (call) =>
    [["source", "source"], ["medium", "medium"], ["campaignName", "campaign_name"], ["keyword", "keyword"]].every(
      ([asked, name]) => !fresh.dataset[asked] || fresh.dataset[asked].toLowerCase() === (call[name] ?? "").toLowerCase(),
    );
  function offer(many) {
    const link = fresh.firstElementChild;
    link.textContent = many ? `${many} new ${many === 1 ? "call" : "calls"} – show` : "There are new calls – show";
    link.hidden = false;
  }

  function listen() {
    if (source || document.visibilityState !== "visible") return;
    const address = new URL(page.dataset.live, location.href);
    if (last) address.searchParams.set("after", last);
    source = new EventSource(address);
    source.onopen = () => {
      failures = 0;
      state.hidden = false;
    };
    source.onerror = () => {
      state.hidden = source.readyState !== EventSource.OPEN && failures++ > 0;
      if (source.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
      stop();
      if (failures < TRIES) setTimeout(listen, AGAIN_MS);
    };
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        last = event.lastEventId || last;
        act(JSON.parse(event.data));
      });
    on("call", onPhone ? phone : list);
    on("figures", figures);
    on("stale", () => (fresh ? offer(0) : location.reload()));
  }

  // A browser opens six connections to a host: a page that nobody looks at keeps none.
  function stop() {
    source?.close();
    source = undefined;
    state.hidden = true;
  }

  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? listen() : stop()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", listen);
  listen();
})();
