const payload = JSON.parse(document.getElementById("payload").textContent);
const root = document.documentElement;
const views = [];
const signals = {};

const values = (column) => (Array.isArray(column) ? column : column.codes.map((code) => (code < 0 ? null : column.values[code])));

/* The rows of a packed table; with `by`, those whose value in that column is `value`, if it has the column. */
function unpack(table, by, value) {
  const names = Object.keys(table);
  const columns = names.map((name) => values(table[name]));
  let rows = [...Array(columns.length ? columns[0].length : 0).keys()];
  if (by && names.includes(by)) {
    const column = columns[names.indexOf(by)];
    rows = rows.filter((i) => column[i] === value);
  }
  return rows.map((i) => Object.fromEntries(names.map((name, j) => [name, columns[j][i]])));
}

const tooltip = document.createElement("div");
tooltip.id = "tooltip";
tooltip.hidden = true;
document.body.append(tooltip);

function showTooltip(handler, event, item, value) {
  tooltip.hidden = value == null || value === "";
  if (tooltip.hidden) return;
  tooltip.replaceChildren(...Object.entries(value).map(([name, text]) => {
    const line = document.createElement("div");
    line.textContent = `${name}: ${text}`;
    return line;
  }));
  tooltip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - tooltip.offsetWidth - 8))}px`;
  tooltip.style.top = `${Math.min(event.clientY + 12, innerHeight - tooltip.offsetHeight - 8)}px`;
}

async function draw(element) {
  if (element.dataset.drawn) return;
  element.dataset.drawn = "begun";
  const { figure, panel, by, value } = element.dataset;
  const { specs, canvas, data } = payload.figures[figure];
  const spec = {
    ...specs[panel],
    data: specs[panel].data.map((each) => (data[each.name] ? { ...each, values: unpack(data[each.name], by, value) } : each)),
  };
  const { view } = await window.vegaEmbed(element, spec, {
    mode: "vega",
    renderer: canvas[panel] ? "canvas" : "svg",
    actions: false,
    defaultStyle: false,
    tooltip: showTooltip,
  });
  element.dataset.drawn = "yes";
  if (!by) {
    views.push(view);
    Object.keys(signals).forEach((name) => setSignal(view, name));
  }
}

function setSignal(view, name) {
  if (view.getState().signals[name] !== undefined) view.signal(name, signals[name]).runAsync();
}

/* A chart is drawn when it comes near the window, so that a cohort of any size opens at once. */
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((each) => each.isIntersecting)) {
    observer.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "300px" });
document.querySelectorAll(".chart").forEach((element) => observer.observe(element));

window.addEventListener("beforeprint", () => {
  document.querySelectorAll("article.current details").forEach((element) => { element.open = true; });
  document.querySelectorAll(".chart").forEach((element) => { if (element.offsetParent) draw(element); });
});

for (const select of document.querySelectorAll("[data-signal]")) {
  select.addEventListener("change", () => {
    signals[select.dataset.signal] = select.value;
    views.forEach((view) => setSignal(view, select.dataset.signal));
  });
}

function sortBy(table, index, button) {
  const header = button.closest("th");
  const down = header.getAttribute("aria-sort") === "ascending";
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => {
    const cell = row.children[index];
    return { row, number: Number(cell.dataset.value ?? NaN), text: cell.textContent.trim() };
  });
  const numeric = rows.every(({ number }) => !Number.isNaN(number));
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  rows.sort((a, b) => (numeric ? a.number - b.number : compare(a.text, b.text)) * (down ? -1 : 1));
  table.tBodies[0].append(...rows.map(({ row }) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    const note = header.querySelector("small");
    button.append(...[...header.childNodes].filter((each) => each !== note));
    header.prepend(button);
    button.addEventListener("click", () => sortBy(table, index, button));
  });
}

for (const input of document.querySelectorAll("[data-filter]")) {
  const rows = [...document.getElementById(input.dataset.filter).tBodies[0].rows];
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const found = rows.filter((row) => !row.hidden).length;
    input.nextElementSibling.textContent = words.length ? `${found} of ${rows.length}` : "";
  });
}

document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => {
  const text = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(text);
  button.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy it";
}));

/* The address says what is shown: the cohort, or one patient's page. */
function route() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const page = target?.closest("article.patient");
  document.querySelectorAll("article.current").forEach((other) => other.classList.remove("current"));
  root.dataset.view = page ? "patient" : "cohort";
  page?.classList.add("current");
  if (page) {
    window.scrollTo({ top: 0, behavior: "instant" });
    page.querySelector("h2").focus({ preventScroll: true });
  } else {
    target?.scrollIntoView();
  }
}
window.addEventListener("hashchange", route);
window.addEventListener("load", () => { if (location.hash) route(); }); // after the browser has scrolled by itself
if (location.hash) route();
root.dataset.ready = "yes";
performance.mark("ready");
