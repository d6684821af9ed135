/* tslint:disable */
/* eslint-disable */

/**
 * The session of one server in one tab.
 */
export class Core {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Whether a request can do without the refresh that has failed.
     */
    canDoWithout(): boolean;
    /**
     * Ends timers and listening.
     */
    close(): void;
    /**
     * What the app sees of the session; `null` if nobody is signed in.
     */
    current(): any;
    /**
     * Whether a request should wait for a refresh.
     */
    needsRefresh(): boolean;
    /**
     * With options in which nothing is missing.
     */
    constructor(options: any);
    /**
     * Waits while an answer is on its way whose cookie would come after another one.
     */
    quiet(): Promise<any> | undefined;
    /**
     * Has the session renewed. It gets the properties of an error, or nothing.
     */
    renew(eager: boolean): Promise<any>;
    /**
     * Tells what the storage had.
     */
    restored(kept: any): void;
    /**
     * Signs out. It gets the properties of an error, or nothing.
     */
    signOut(): Promise<any>;
    /**
     * Takes the session of an answer over, which was asked for in this mode. `undefined` if the answer has none.
     */
    signedIn(data: any, mode: string): any;
    /**
     * No refreshing by itself from now on.
     */
    stopRefreshing(): void;
}

/**
 * The code of an answer with this status, in which the server named `code`, or nothing.
 */
export function codeOf(status: number, code: string): string;

