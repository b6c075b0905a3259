// @doorward/client/axios: the same handling for calls made with axios.

import type { AxiosError, AxiosInstance, AxiosRequestTransformer, InternalAxiosRequestConfig } from 'axios';
import { inBrowser } from './addresses.js';
import { isSafe } from './client.js';
import { DoorwardError, readRefusal } from './error.js';
import type { Client, Trial } from './types.js';

/** What has been done about a call travels with its configuration, which axios copies when the call is made again. */
type Config = InternalAxiosRequestConfig & { doorward?: Trial | undefined };

/**
 * Teaches an axios instance what `client.fetch` knows: credentials and CSRF token for the application's own origins, one login
 * for however many 401, a `DoorwardError` for what cannot be mended (its `response` is axios's, its `cause` the `AxiosError`).
 *
 * A call with `withCredentials: false` is left alone. Returns what takes it off again.
 *
 * @example
 * const api = axios.create({ baseURL: '/api' });
 * install(api, createClient());
 */
export function install(axios: AxiosInstance, client: Client): () => void {
  const concerns = (config?: InternalAxiosRequestConfig) =>
    !!config && inBrowser() && config.withCredentials !== false && client.at.isOwn(axios.getUri(config));

  // Security: decided last of all. Any interceptor may yet move the call to somebody else, and so may whoever makes it again.
  const decide: AxiosRequestTransformer = function decide(this: Config, data, headers) {
    const own = concerns(this);
    if (!own && this.doorward) {
      if (this.doorward.token) headers.delete(client.csrfHeader);
      delete this.withCredentials;
      this.doorward = undefined;
    }
    if (!own) return data;
    this.withCredentials = true;
    const trial = this.doorward ??= {
      safe: isSafe(this.method ?? 'get'),
      token: headers.has(client.csrfHeader) ? null : undefined,
      signal: this.signal as AbortSignal | undefined,
    };
    if (!trial.safe && trial.token !== null) {
      trial.token = client.csrfToken();
      headers.set(client.csrfHeader, trial.token ?? null);
    }
    return data;
  };

  const request = axios.interceptors.request.use((config) => {
    // The last transformation comes after every interceptor; a call that is made again has it already.
    const others = [config.transformRequest ?? []].flat().filter((transform) => transform !== decide);
    config.transformRequest = [...others, decide];
    return config;
  });

  const response = axios.interceptors.response.use(undefined, async (cause: AxiosError) => {
    const { response: answer } = cause;
    const config = cause.config as Config | undefined;
    const url = (answer?.request as XMLHttpRequest | undefined)?.responseURL;
    if (!answer || !config?.doorward || !concerns(config) || (url && !client.at.isOwn(url))) throw cause;
    const headers = answer.headers as Record<string, unknown>;
    const body = await parsed(answer.data);
    const refusal = readRefusal(answer.status, (name) => headers[name], body, client.at.login(), answer);
    // Without the address that answered, it may be somebody else's to whom a redirect led: only the server's own kind of answer counts.
    if (!refusal || (!url && !`${(body as { type?: unknown } | undefined)?.type}`.startsWith('urn:doorward:error:'))) throw cause;
    if (await client.settle(refusal.error, config.doorward)) return axios.request(config);
    throw refusal.certain ? new DoorwardError(refusal.error, cause) : cause;
  });

  return () => {
    axios.interceptors.request.eject(request);
    axios.interceptors.response.eject(response);
  };
}

/** The body as JSON, whatever `responseType` the call asked for. */
async function parsed(data: unknown): Promise<unknown> {
  try {
    if (data instanceof ArrayBuffer || data instanceof Blob) return await new Response(data).json();
    return typeof data === 'string' ? JSON.parse(data) : data;
  } catch {
    return undefined;
  }
}
