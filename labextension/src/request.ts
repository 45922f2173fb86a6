import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** What the server says went wrong. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly reason: string = '',
    readonly field: string = '',
    readonly remedy: string = ''
  ) {
    super(message);
  }

  /** The message and what to do about it. */
  get fullMessage(): string {
    return this.remedy ? `${this.message}. ${this.remedy}` : this.message;
  }
}

export type Query = Record<string, string | number | readonly string[] | undefined>;

/** The one way to the server's REST surface. */
export class Requests {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  /** An absolute URL below `/mlops`. */
  url(path: string, query: Query = {}): string {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const item of Array.isArray(value) ? value : [value]) {
        if (item !== undefined && item !== '') {
          params.append(name, String(item));
        }
      }
    }
    const text = params.toString();
    return URLExt.join(this.settings.baseUrl, 'mlops', path) + (text ? `?${text}` : '');
  }

  /** Ask, and take the answer as what the document says it is. Rejects with RequestError. */
  async send<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    options: { body?: unknown; query?: Query; signal?: AbortSignal } = {}
  ): Promise<T> {
    const init: RequestInit = { method, signal: options.signal };
    if (options.body !== undefined) {
      init.body = JSON.stringify(options.body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(this.url(path, options.query), init, this.settings);
    } catch (error) {
      throw new RequestError(error instanceof Error ? error.message : String(error), 0, 'Network');
    }
    if (response.status === 204) {
      return undefined as T;
    }
    const text = await response.text();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {
      // a page instead of an answer: told as it is
    }
    if (!response.ok) {
      const problem = (typeof body === 'object' && body !== null ? body : {}) as Record<string, string>;
      throw new RequestError(
        problem.message ?? `${response.status} ${response.statusText}`,
        response.status,
        problem.reason,
        problem.field,
        problem.remedy
      );
    }
    return body as T;
  }
}

/** What to tell a person of any error. */
export function errorMessage(error: unknown): string {
  return error instanceof RequestError
    ? error.fullMessage
    : error instanceof Error
      ? error.message
      : String(error);
}
