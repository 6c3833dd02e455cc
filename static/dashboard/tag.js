// The tag's page: says when a page of the customer's reports, and adds buttons that copy. Without it, reloading does.
(() => {
  const EVERY_MS = 2000;
  const UNTIL_MS = 15 * 60 * 1000; // a forgotten window asks no longer than that

  const live = document.querySelector("[data-seen]");
  if (live) {
    const [said, where, hint] = ["said", "where", "hint"].map((name) => live.querySelector(`[data-${name}]`));
    const began = performance.now();
    const wanted = new URLSearchParams({ page: live.dataset.page, since: live.dataset.since });

    const look = async () => {
      if (performance.now() - began > UNTIL_MS) return;
      if (document.visibilityState === "visible") {
        try {
          const answer = await fetch(`${live.dataset.seen}?${wanted}`, { headers: { Accept: "application/json" } });
          if (answer.status === 401 || answer.status === 404) return; // signed out, or deleted
          const report = answer.ok ? await answer.json() : {};
          if (report.seen) {
            wanted.set("since", report.at_ms);
            live.className = `note ${report.tone}`;
            said.textContent = report.says;
            where.textContent = `${report.page}, just now`;
            hint.textContent = report.hint;
          }
        } catch {
          // Away: the next look may reach it.
        }
      }
      setTimeout(look, EVERY_MS);
    };
    look();
  }

  if (!navigator.clipboard) return; // only on https and on this machine
  for (const box of document.querySelectorAll("pre[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${box.getAttribute("aria-label")}`);
    const done = document.createElement("span");
    done.className = "hidden";
    done.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.textContent);
        button.textContent = done.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(box); // not allowed: the person copies it himself
      }
      setTimeout(() => {
        button.textContent = "Copy";
        done.textContent = "";
      }, EVERY_MS);
    });
    box.after(button, done);
  }
})();
