// What every page may use: copy buttons, times in the reader's own zone, parts that refresh themselves.

const announcer = document.createElement("p");
announcer.className = "unseen";
announcer.setAttribute("role", "status");

function say(text) {
  announcer.textContent = "";
  requestAnimationFrame(() => { announcer.textContent = text; });
}

async function copy(button) {
  const label = button.firstChild.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.firstChild.textContent = "Copied";
    say("Copied");
  } catch {
    // Without permission (or without TLS) the browser refuses: select the text, so that the keyboard can copy it.
    const range = document.createRange();
    range.selectNodeContents(button.previousElementSibling);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.firstChild.textContent = "Selected";
    say("Selected; copy it with the keyboard");
  }
  setTimeout(() => { button.firstChild.textContent = label; }, 2000);
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) continue;
    time.title = time.textContent;
    time.textContent = clock.format(moment);
  }
}

function enhance(root) {
  localTimes(root);
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

// <section data-live="URL" data-every="2"> takes the HTML of the URL for its content, again and again, until a part
// of it has data-live-done. What has focus, or is being typed in, stays as it is.
async function keepLive(section) {
  let pause = Number(section.dataset.every || 2) * 1000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (document.hidden || section.contains(document.activeElement)) continue;
    let answer;
    try {
      answer = await fetch(section.dataset.live, { headers: { "X-Requested-With": "live" }, redirect: "manual" });
    } catch {
      pause = Math.min(pause * 2, 30000);
      continue;
    }
    if (answer.type === "opaqueredirect") {  // what was waited for is over, or the session is
      location.reload();
      return;
    }
    if (!answer.ok) return;
    pause = Number(section.dataset.every || 2) * 1000;
    const text = await answer.text();
    if (section.contains(document.activeElement)) continue;  // somebody came in while the answer was on its way
    if (text !== section.dataset.seen) {
      const fresh = new DOMParser().parseFromString(text, "text/html").body;
      const open = new Set([...section.querySelectorAll("details[open][id]")].map((one) => one.id));
      section.replaceChildren(...fresh.childNodes);
      for (const one of section.querySelectorAll("details[id]")) one.open = one.open || open.has(one.id);
      enhance(section);
      section.dataset.seen = text;
    }
    if (section.querySelector("[data-live-done]")) return;
  }
}

document.body.append(announcer);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  // A form is sent once; going back makes its buttons work again. A download leaves the page as it is.
  const button = event.submitter;
  if (button && !event.target.hasAttribute("data-download")) setTimeout(() => { button.disabled = true; }, 0);
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled[type=submit], form button:disabled")) button.disabled = false;
});
enhance(document);
for (const section of document.querySelectorAll("[data-live]")) keepLive(section);
