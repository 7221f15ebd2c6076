import { InTurn } from '../in-turn.ts';
import type { KnownVocabulary } from '../llama/vocabulary.ts';
import { assertWanted, inTime, PATIENCE, patienceFor, unlessAborted, type Patience } from '../patience.ts';
import type {
  GenerateEvent,
  GenerateRequest,
  LoadedModel,
  LoadRequest,
  ModelFile,
  Runtime,
  RuntimeDescription,
  RuntimeExit,
} from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import { assertGeneratable, assertLoadable, closed, heldUnderAnotherSet, isSameSet, notLoaded } from '../requests.ts';
import { Slots } from '../slots.ts';
import { answer } from './answer.ts';
import { OllamaServer } from './ollama-server.ts';
import { Place } from './place.ts';
import { placeFor, runsAlike } from './placing.ts';
import { isKnownSafe, isTested } from './versions.ts';
import { watch } from './watch.ts';

export interface OllamaRuntimeOptions {
  /** One Ollama, or several: two adapters on one base need two. */
  readonly urls: readonly string[];
  /** Counts tokens, since Ollama does not and cuts a long prompt silently (G2). */
  readonly openVocabulary: (file: ModelFile) => Promise<KnownVocabulary>;
  /** Serve by a version with known holes, or an unknown one (N8). */
  readonly allowUnsafeVersion?: boolean;
  /** Models are stored in Ollama as `<prefix>-<key>`; two agents on one Ollama need two. */
  readonly prefix?: string;
  /** Requests of one set that may wait while others are answered. */
  readonly maxWaiting?: number;
  /** After which a load that Ollama has not answered is broken off. */
  readonly patience?: Patience;
}

export interface HeldSet {
  readonly request: LoadRequest;
  /** Its name in Ollama. */
  readonly model: string;
  readonly place: Place;
  readonly vocabulary: KnownVocabulary;
  readonly slots: Slots;
}

/** Models served by one Ollama or several, which the site runs; this object starts and ends none. */
export class OllamaRuntime implements Runtime {
  readonly kind = 'ollama';
  readonly #places: readonly Place[];
  readonly #options: OllamaRuntimeOptions;
  readonly #sets = new Map<string, HeldSet>();
  readonly #listeners = new Set<(exit: RuntimeExit) => void>();
  readonly #inTurn = new InTurn();
  readonly #leave: readonly (() => void)[];
  #isClosed = false;

  constructor(options: OllamaRuntimeOptions) {
    this.#options = options;
    this.#places = options.urls.map((url) => new Place(new OllamaServer(url), options.allowUnsafeVersion ?? false));
    this.#leave = this.#places.map((place) =>
      watch(place.server.url, {
        onLost: () => void this.#lookAfter(place),
        onBack: () => void this.#bringBack(place),
      }),
    );
  }

  async describe(): Promise<RuntimeDescription> {
    const versions = await Promise.all(this.#places.map((place) => place.version()));
    return {
      kind: this.kind,
      version: [...new Set(versions)].join(', '),
      knownSafe: versions.every(isKnownSafe),
      tested: versions.every(isTested),
      isolation: ISOLATION,
    };
  }

  async load(request: LoadRequest, signal?: AbortSignal): Promise<LoadedModel> {
    assertLoadable(request);
    return unlessAborted(
      this.#inTurn.run(async () => {
        if (this.#isClosed) throw closed();
        assertWanted(signal);
        const ended = new AbortController();
        const milliseconds = await patienceFor(request, this.#options.patience ?? PATIENCE);
        return inTime(milliseconds, this.#load(request, ended.signal), () => ended.abort(), signal);
      }),
      signal,
    );
  }

  /** An abort closes the connection; what Ollama has of it by then is removed with its key. */
  async #load(request: LoadRequest, signal: AbortSignal): Promise<LoadedModel> {
    const held = this.#sets.get(request.key);
    if (held !== undefined && !isSameSet(held.request, request)) throw heldUnderAnotherSet(request.key);
    const model = this.#nameOf(request.key);
    const place = held?.place ?? (await this.#placeFor(request, model));
    await place.assertSafe();
    const loaded = held === undefined ? undefined : await place.loadedAs(model, request.key);
    return loaded ?? this.#loadAt(place, model, request, signal);
  }

  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    assertGeneratable(request);
    if (this.#isClosed) throw closed();
    const held = this.#sets.get(request.model);
    if (held === undefined) throw notLoaded(request.model);
    const giveBack = await held.slots.take(request.signal);
    try {
      yield* answer(held, request, (exit) => this.#tell(exit));
    } finally {
      giveBack();
    }
  }

  async unload(key: string): Promise<void> {
    await this.#inTurn.run(() => this.#unload(key));
  }

  async loaded(): Promise<readonly LoadedModel[]> {
    const sets = [...this.#sets.values()];
    const found = await Promise.all(sets.map(({ place, model, request }) => place.loadedAs(model, request.key)));
    return found.filter((model) => model !== undefined);
  }

  async remove(key: string): Promise<void> {
    await this.#inTurn.run(async () => {
      await this.#unload(key);
      for (const place of this.#places) {
        if (await place.hasStored(this.#nameOf(key))) await place.remove(this.#nameOf(key));
      }
    });
  }

  onExit(listener: (exit: RuntimeExit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is loaded stays loaded, so that an agent that is started again serves at once. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const leave of this.#leave) leave();
    for (const { slots, vocabulary } of this.#sets.values()) {
      slots.refuseWaiting(closed());
      // This process ends, and what the vocabulary held with it.
      await vocabulary.close().catch(() => undefined);
    }
    this.#sets.clear();
    await Promise.all(this.#places.map((place) => place.server.close()));
  }

  #nameOf(key: string): string {
    return `${this.#options.prefix ?? 'openward'}-${key}`;
  }

  #setsAt(place: Place): readonly HeldSet[] {
    return [...this.#sets.values()].filter((set) => set.place === place);
  }

  async #placeFor(request: LoadRequest, model: string): Promise<Place> {
    const candidates = await Promise.all(
      this.#places.map(async (place) => ({
        held: this.#setsAt(place).map((set) => set.request),
        hasStored: await place.hasStored(model),
      })),
    );
    const place = this.#places[placeFor(request, candidates) ?? -1];
    if (place === undefined) throw noRoom('holds another set on this base, and would load one anew at each switch');
    return place;
  }

  async #loadAt(place: Place, model: string, request: LoadRequest, signal: AbortSignal): Promise<LoadedModel> {
    await place.store(model, request, signal);
    const others = this.#setsAt(place).filter((set) => set.model !== model);
    const loaded = await place.load(model, request, signal).catch(async (cause: unknown) => {
      // What cannot be loaded is not kept: its copy would fill the disk.
      if (cause instanceof RuntimeRefusal && cause.code === 'modelNotLoadable') await place.remove(model);
      throw cause;
    });
    const running = await place.running();
    const evicted = others.filter((set) => !running.has(set.model));
    if (evicted.length > 0) {
      await place.unload(model);
      for (const set of evicted) await place.load(set.model, set.request);
      throw noRoom('let go of another set to make room for this one');
    }
    assertWanted(signal);
    if (!this.#sets.has(request.key)) {
      const vocabulary = await this.#options.openVocabulary(request.base);
      const slots = new Slots(request.parallel, this.#options.maxWaiting ?? 64);
      this.#sets.set(request.key, { request, model, place, vocabulary, slots });
    }
    return loaded;
  }

  async #unload(key: string): Promise<void> {
    const held = this.#sets.get(key);
    if (held === undefined) return;
    this.#sets.delete(key);
    held.slots.refuseWaiting(notLoaded(key));
    await held.vocabulary.close();
    const isShared = this.#setsAt(held.place).some((other) => runsAlike(other.request, held.request));
    if (!isShared) await held.place.unload(held.model);
  }

  /** The silent connection ended: an exit, unless Ollama answers and holds all that it held. */
  async #lookAfter(place: Place): Promise<void> {
    place.forgetVersion();
    const running = await place.running().catch(() => undefined);
    if (this.#isClosed) return;
    if (running === undefined) this.#tell({ at: 'runtime', reason: 'Ollama no longer answers' });
    else if (this.#setsAt(place).some((set) => !running.has(set.model))) {
      this.#tell({ at: 'runtime', reason: 'Ollama was started again' });
    }
  }

  async #bringBack(place: Place): Promise<void> {
    await this.#inTurn.run(async () => {
      for (const { model, request } of this.#setsAt(place)) {
        await place.load(model, request).catch((cause: unknown) => {
          // Any other failure may pass: Ollama loads the set at its next request, or says there why it cannot.
          if (cause instanceof RuntimeRefusal && cause.code === 'digestMismatch') this.#sets.delete(request.key);
        });
      }
    });
  }

  #tell(exit: RuntimeExit): void {
    for (const listener of this.#listeners) listener(exit);
  }
}

const noRoom = (why: string): RuntimeRefusal =>
  new RuntimeRefusal(
    'needsSwap',
    `Ollama ${why}. Name a second Ollama in runtime.urls, or unload the other set first.`,
  );

const SITE = 'The site runs Ollama; the agent can neither set this up nor see it.';
const ISOLATION = [
  { name: 'separateProcess', holds: true, why: 'Ollama runs in processes of its own.' },
  { name: 'noNetwork', holds: false, why: SITE },
  { name: 'limitedFiles', holds: false, why: SITE },
  { name: 'limitedScript', holds: false, why: 'Ollama runs no JavaScript; see limitedFiles.' },
  { name: 'noCoreDump', holds: false, why: SITE },
] as const;
