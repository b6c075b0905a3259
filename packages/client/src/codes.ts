export interface ServerCodes { session_missing: 401 }
export type ServerCode = keyof ServerCodes;
