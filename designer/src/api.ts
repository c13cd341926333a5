// Calls of the server: JSON in and out, errors as problem documents (RFC 9457).

import { store, type PageData } from "./store";

export interface ProblemDocument {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  errors?: Record<string, string[]>;
  [key: string]: unknown;
}

/** The server answered with an error. `status` 0: it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: ProblemDocument,
  ) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
  }

  get isOffline(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }

  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

export interface Answer<T> {
  body: T;
  etag: string | null;
  status: number;
}

export interface CallOptions {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sent even while the page is being left; at most 64 kB. */
  keepalive?: boolean;
  signal?: AbortSignal;
  /** What a person did keeps the session awake; what the page does by itself does not. */
  byHand?: boolean;
}

/** Raises ApiError. */
export async function call<T>(url: string, options: CallOptions = {}): Promise<Answer<T>> {
  try {
    return await send<T>(url, options);
  } catch (error) {
    const isRefused = error instanceof ApiError && error.status === 403;
    if (!isRefused || options.keepalive || !(await renewToken())) throw error;
    return send<T>(url, options);
  }
}

async function send<T>(url: string, options: CallOptions): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  const init: RequestInit = { method: options.method ?? (options.body === undefined ? "GET" : "POST"), headers };
  if (options.body !== undefined) {
    headers["Content-Type"] ??= "application/json";
    init.body = typeof options.body === "string" ? options.body : JSON.stringify(options.body);
  }
  if (init.method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (options.byHand ?? init.method !== "GET") headers["X-By-Hand"] = "1";
  if (options.keepalive) init.keepalive = true;
  if (options.signal) init.signal = options.signal;
  // A session that ended answers with a redirect to the sign-in page.
  init.redirect = "manual";
  const response = await fetch(url, init).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { detail: "The server cannot be reached." });
  });
  if (response.type === "opaqueredirect") throw new ApiError(401, { detail: "Your session has ended. Sign in again." });
  const text = await response.text();
  const body = readJson(text);
  if (!response.ok) throw new ApiError(response.status, (body ?? {}) as ProblemDocument);
  return { body: body as T, etag: response.headers.get("ETag"), status: response.status };
}

function readJson(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Who signs in again, in another window, gets a new token. False if the page is not theirs any more. */
async function renewToken(): Promise<boolean> {
  const answer = await fetch(location.pathname, { redirect: "manual" }).catch(() => null);
  if (!answer?.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const data = readJson(page.getElementById("designer-data")?.textContent ?? "") as PageData | null;
  const headers = page.body.getAttribute("hx-headers");
  if (!headers || data?.me.id !== store.get().data.me.id) return false;
  document.body.setAttribute("hx-headers", headers);
  return true;
}

/** The token is in `<body hx-headers>`, where htmx takes it from, too. */
export function csrfToken(): string {
  const raw = document.body.getAttribute("hx-headers") ?? "{}";
  const token = (readJson(raw) as Record<string, unknown> | null)?.["X-CSRFToken"];
  return typeof token === "string" ? token : "";
}
