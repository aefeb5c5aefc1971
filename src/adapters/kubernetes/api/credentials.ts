/** What TLS needs to talk to the API server; the same object for as long as nothing of it changed. */
export interface TlsIdentity {
  readonly ca?: Buffer | string
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
  readonly passphrase?: string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** How a request is to be made just now. */
export interface Access {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsIdentity
}

/** Where the API server is, and as whom to talk to it. */
export interface Credentials {
  /** `https://HOST:PORT`, perhaps with a path below which the API is; without a slash at the end. */
  readonly server: string
  /**
   * What to use for the next request. Tokens and certificates are rotated under a running agent, so they are read again.
   * @throws HotplugError ApiUnauthorized if they cannot be read
   */
  access(): Promise<Access>
  /** The server did not accept them: the next `access` reads them anew, however young they are. */
  refused(): void
}
