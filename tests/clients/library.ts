// What an integration in TypeScript does, with types made of the document: tsc --strict checks it.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[]; exitCode: number };

type Book = components["schemas"]["Book"];

function same(found: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
  }
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("There is no answer.");
  return value;
}

const [, , baseUrl = "", token = ""] = process.argv;
// Without CSV and dry runs, which are other media types and asked for by headers.
type Media = "application/json" | "application/problem+json";
const library = createClient<paths, Media>({
  baseUrl,
  headers: { Authorization: `Bearer ${token}` },
});

async function create(title: string, year: number): Promise<Book> {
  const { data, response } = await library.POST("/api/v1/books", {
    body: { title, year, format: "paperback" },
  });
  same(response.status, 201, "create");
  if (!data || !("id" in data)) throw new Error("There is no book.");
  return data;
}

const first = await create("Emma", 1815);
const second = await create("Ulysses", 1922);
same(first.format, "paperback", "format");

const { data: page } = await library.GET("/api/v1/books", {
  params: { query: { year__lt: 1900, sort: ["-year"], format: "paperback", count: "exact" } },
  querySerializer: { array: { style: "form", explode: false } },
});
same(given(page).data.map((each) => each.title), ["Emma"], "list");
same(given(page).page.total, 1, "total");

const { data: counted } = await library.GET("/api/v1/books/facets", {
  params: { query: { field: ["format"], conditions: { year__lt: 1900 } } },
  querySerializer: {
    array: { style: "form", explode: false },
    object: { style: "form", explode: true },
  },
});
const counts = given(counted).data[0]?.values.map((each) => each.count ?? 0) ?? [];
same(counts.reduce((sum, each) => sum + each, 0), 1, "facets");

const one = { params: { path: { key: first.id } } };
const read = await library.GET("/api/v1/books/{key}", one);
const tag = given(read.response.headers.get("ETag") ?? undefined);
same(given(read.data).title, "Emma", "get");

const patch = (title: string, match: string) =>
  library.PATCH("/api/v1/books/{key}", {
    params: { path: { key: first.id }, header: { "If-Match": match } },
    body: { title },
  });
same(given((await patch("Emma, a novel", tag)).data).title, "Emma, a novel", "patch");

const stale = await patch("Nobody's", tag);
if (!stale.error) throw new Error("A stale write was taken.");
if (stale.response.status === 412) same(stale.error.code, "version_mismatch", "stale");

const wrong = await library.POST("/api/v1/books", { body: { title: "x".repeat(1000) } });
const problem = wrong.error;
if (problem?.code !== "validation_failed") throw new Error(`${problem?.code}`);
same(problem.errors?.map((each) => each.pointer), ["/title"], "pointers");

for (const each of [first, second]) {
  const { response } = await library.DELETE("/api/v1/books/{key}", {
    params: { path: { key: each.id } },
  });
  same(response.status, 204, "delete");
}
same((await library.GET("/api/v1/books/{key}", one)).error?.code, "not_found", "gone");
console.log("done");
