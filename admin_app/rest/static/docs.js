// The document as a page: fetched with the reader's own token, shown, and tried where it only reads.

const form = document.getElementById("who");
const said = document.getElementById("said");
const tools = document.getElementById("tools");
const find = document.getElementById("find");
const place = document.getElementById("operations");
const METHODS = ["get", "post", "put", "patch", "delete"];
let api = null;
let token = "";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  token = document.getElementById("token").value.trim();
  tell("Asking…");
  try {
    const answer = await ask(form.dataset.document);
    const found = await answer.json();
    if (!answer.ok) return tell(`${found.title}: ${found.detail}`, true);
    api = found;
    show();
  } catch (error) {
    tell(`This could not be asked: ${error.message}`, true);
  }
});

find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const each of place.querySelectorAll("details.operation")) {
    each.hidden = !words.every((word) => each.dataset.words.includes(word));
  }
  for (const each of place.querySelectorAll("section")) {
    each.hidden = !each.querySelector("details.operation:not([hidden])");
  }
});

function ask(address, headers = {}) {
  return fetch(address, { headers: { ...headers, Authorization: `Bearer ${token}` }, credentials: "omit" });
}

function tell(text, bad = false) {
  said.textContent = text;
  said.className = bad ? "bad" : "quiet";
}

// An element with children; text is always text.
function make(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function show() {
  const groups = new Map((api.tags ?? []).map((each) => [each.name, { ...each, found: [] }]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => item[each])) {
      const name = item[method].tags?.[0] ?? "Other";
      if (!groups.has(name)) groups.set(name, { name, found: [] });
      groups.get(name).found.push([path, method, item[method], item.parameters ?? []]);
    }
  }
  place.replaceChildren();
  let count = 0;
  for (const group of groups.values()) {
    if (!group.found.length) continue;
    const section = make("section", {}, make("h2", {}, group.name));
    if (group.description) section.append(make("p", { class: "quiet" }, group.description));
    for (const each of group.found) section.append(operation(...each));
    count += group.found.length;
    place.append(section);
  }
  tools.hidden = false;
  tell(`${api.info.title} ${api.info.version}: ${count} operations.`);
}

function operation(path, method, about, shared) {
  const parameters = [...shared, ...(about.parameters ?? [])].map(resolve);
  const words = `${method} ${path} ${about.summary} ${about.operationId}`.toLowerCase();
  const summary = make("summary", {},
    make("span", { class: "method" }, method.toUpperCase()), make("code", {}, path), make("span", { class: "quiet" }, about.summary));
  const made = make("details", { class: "operation", "data-words": words }, summary);
  // What is inside is made when somebody looks: a large API has thousands of parameters.
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) made.append(inside(path, method, about, parameters));
  });
  return made;
}

function inside(path, method, about, parameters) {
  const made = make("div", { class: "inside" });
  if (about.description) made.append(make("p", {}, about.description));
  if (parameters.length) {
    made.append(make("details", {}, make("summary", {}, "Parameters"),
      table(["Name", "In", "Type", "Meaning"], parameters.flatMap(members).map((each) =>
        [each.name + (each.required ? " *" : ""), each.in, type(each.schema), each.description ?? ""]))));
  }
  for (const [media, each] of Object.entries(about.requestBody?.content ?? {})) {
    made.append(make("h3", {}, `Body: ${media}`), ...body(each));
  }
  made.append(make("h3", {}, "Answers"), table(["Status", "Meaning"],
    Object.entries(about.responses).map(([status, each]) => [status, resolve(each).description])));
  for (const [status, each] of Object.entries(about.responses)) {
    const shown = resolve(each).content?.["application/json"];
    if (shown && status.startsWith("2")) made.append(make("h3", {}, `Answer ${status}`), ...body(shown));
  }
  if (method === "get") made.append(trying(path, about, parameters));
  return made;
}

// What is sent as members of an object are parameters of their own to whoever writes a query.
function members(each) {
  const found = each.explode && each.in === "query" ? resolve(each.schema).properties : null;
  return found ? Object.entries(found).map(([name, schema]) => ({ name, in: each.in, schema })) : [each];
}

function body(each) {
  const whole = resolve(each.schema);
  const options = (whole.anyOf ?? whole.oneOf ?? [whole]).map(resolve);
  const schema = options.find((one) => one.properties) ?? options[0];
  const rows = Object.entries(schema.properties ?? {}).map(([name, one]) => [
    name + (schema.required?.includes(name) ? " *" : ""), type(one), resolve(one).description ?? resolve(one).title ?? ""]);
  const made = rows.length ? [table(["Field", "Type", "Meaning"], rows)] : [make("p", {}, type(each.schema))];
  const example = each.example ?? Object.values(each.examples ?? {})[0]?.value ?? schema.examples?.[0];
  if (example !== undefined) {
    made.push(make("details", {}, make("summary", {}, "Example"), code(JSON.stringify(example, null, 2))));
  }
  return made;
}

function trying(path, about, parameters) {
  const form = make("form");
  const inputs = new Map();
  const add = (name, label, given = {}) => {
    const id = `try-${about.operationId}-${name}`;
    const input = make("input", { id, autocomplete: "off", spellcheck: "false", ...given });
    inputs.set(name, input);
    form.append(make("label", { for: id }, label), input);
  };
  for (const each of parameters) if (each.in === "path") add(each.name, each.name, { required: "" });
  if (parameters.some((each) => each.in === "query")) add("?", "Query, such as limit=5");
  const answer = make("div", { role: "status" });
  form.append(make("p"), make("button", { type: "submit" }, "Try it"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const server = (api.servers?.[0]?.url ?? "").replace(/\/$/, "");
    let address = server + path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(inputs.get(name).value));
    const query = inputs.get("?")?.value.replace(/^\?/, "");
    if (query) address += `?${query}`;
    answer.replaceChildren(make("p", { class: "quiet" }, `GET ${address}`));
    try {
      const got = await ask(address);
      const text = await got.text();
      const headers = [...got.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      answer.append(make("p", {}, `${got.status} ${got.statusText}`), code(pretty(text)),
        make("details", {}, make("summary", {}, "Headers"), code(headers)));
    } catch (error) {
      answer.append(make("p", { class: "bad" }, error.message));
    }
  });
  return make("div", {}, make("h3", {}, "Try it"), form, answer);
}

function code(text) {
  return make("pre", { tabindex: "0" }, text);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function table(head, rows) {
  const cells = (row) => row.map((each, at) =>
    at ? make("td", {}, String(each)) : make("th", { scope: "row" }, make("code", {}, String(each))));
  return make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": `${head[0]}: table` }, make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((each) => make("th", { scope: "col" }, each)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row))))));
}

function resolve(given) {
  if (!given?.$ref) return given ?? {};
  return given.$ref.slice(2).split("/").reduce((found, part) => found[part.replaceAll("~1", "/").replaceAll("~0", "~")], api);
}

function type(given) {
  if (!given) return "any";
  if (given.$ref) return given.$ref.split("/").pop();
  const options = given.anyOf ?? given.oneOf;
  if (options) return [...new Set(options.map(type))].join(" or ");
  if (given.const !== undefined) return JSON.stringify(given.const);
  if (given.enum) return given.enum.length > 12 ? `one of ${given.enum.length} words` : given.enum.join(", ");
  if (given.type === "array") return `list of ${type(given.items)}`;
  const kind = [given.type].flat().join(" or ") || "any";
  return given.format ? `${kind} (${given.format})` : kind;
}
