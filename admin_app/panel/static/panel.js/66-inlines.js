// An inline's buttons send the form; here they send the inline alone, and put what comes back in its place.
// One after the other: what is pressed meanwhile waits, and so does the form itself.
let pressing = null;

async function press(id, act) {
  const root = document.getElementById(id);
  const before = new Map();
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(root.form)) {
    if (!name.startsWith(`${id}.`)) continue;
    fields.append(name, value);
    before.set(name, value);
  }
  fields.append("_inline", act);
  root.setAttribute("aria-busy", "true");
  try {
    const { html } = await ask(root.dataset.url, fields, true);
    const made = new DOMParser().parseFromString(html, "text/html").querySelector("[data-inline]");
    if (!made) throw new Error(_("This could not be done. Load the page again."));
    // What was typed while the server was asked is typed.
    for (const each of root.querySelectorAll("textarea, select, input:not([type=hidden], [type=checkbox], [type=radio])")) {
      const again = each.name && before.get(each.name) !== each.value && made.querySelector(`[name="${CSS.escape(each.name)}"]`);
      if (again) again.value = each.value;
    }
    root.replaceWith(made);
    enliven(made);
    attend(made, act);
    made.dispatchEvent(new Event("change", { bubbles: true }));
  } catch (error) {
    root.removeAttribute("aria-busy");
    root.querySelector(":scope > .error")?.remove();
    root.prepend(element("p", { class: "error", role: "alert" }, icon("alert"), element("span", {}, error.message)));
  }
}

// Where the keyboard goes on: the row that was touched, or the same button again.
function attend(made, act) {
  const row = made.querySelector("[data-here]");
  const again = [...made.querySelectorAll("button:enabled")].find((each) => each.value === act);
  const asked = row?.querySelector(".opened :is(input:not([type=hidden]), textarea, select)");
  const step = act.split(" ")[1];
  const moved = ["up", "down"].includes(step) ? row?.querySelector(`[value*=" ${step} "]:enabled`) : null;
  (moved ?? asked ?? row?.querySelector("button:enabled") ?? again ?? made.querySelector("[data-turn], .inline-foot button") ?? made).focus();
}

behave("[data-inline]", (root) => {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=_inline]") ?? (
      // A click anywhere in a row opens it.
      event.target.closest("a, button, input, del") ? null : event.target.closest("tr.shut")?.querySelector(".opener"));
    if (!button) return;
    event.preventDefault();
    const mine = pressing = (pressing ?? Promise.resolve()).then(() => press(root.id, button.value));
    mine.then(() => { if (pressing === mine) pressing = null; });
  });
});

document.addEventListener("submit", (event) => {
  if (!pressing || !event.target.querySelector("[data-inline]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { target, submitter } = event;
  pressing.then(() => target.requestSubmit(submitter?.isConnected ? submitter : null));
}, true);
