import { Requests } from '../request';
import { ExportAnswer, Exporter } from '../types';

/** What is exported: a version of a job, or a notebook as it was saved. */
export type ExportSource = { job: string; version: string } | { notebook: string };

export interface IExportRequest {
  target: string;
  folder: string;
  /** Whether the files are written. */
  write?: boolean;
  replace_edited?: boolean;
}

export class ExportsApi {
  constructor(private readonly requests: Requests) {}

  /** The engines, built-in ones first. */
  async exporters(): Promise<Exporter[]> {
    return (await this.requests.send<{ exporters: Exporter[] }>('GET', 'exporters')).exporters;
  }

  /** Compare an export with a folder, or write it. */
  export(source: ExportSource, request: IExportRequest, signal?: AbortSignal): Promise<ExportAnswer> {
    return 'job' in source
      ? this.requests.send('POST', `jobs/${encodeURIComponent(source.job)}/export`, {
          body: { version: source.version, ...request },
          signal
        })
      : this.requests.send('POST', 'export', { body: { ...source, ...request }, signal });
  }
}
