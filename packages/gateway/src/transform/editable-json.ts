/**
 * transform: what of a call is changed on its way? Imports `kernel/`; types from other rooms. Promises: what no rule names keeps
 * its bytes; a value that a rule allows is the only one the server can read, also where a name stands twice.
 */
import { bounds } from '../kernel/bounds.ts';
import { keyOf, skipSpace, skipString, skipValue } from '../kernel/splice-json.ts';
import { everyItem } from '../kernel/json-path.ts';

interface Member {
  readonly owner: EditableJson;
  /** What stands before the key: white space and, behind another member, a comma. */
  readonly lead: Buffer;
  readonly keyText: Buffer;
  key: string;
  renamed: boolean;
  /** Colon and white space. */
  readonly colon: Buffer;
  readonly value: EditableJson;
}

/** A value that a path leads to. */
export interface Place {
  readonly value: EditableJson;
  /** Null for an item of a list and for the whole document. */
  readonly member: Member | null;
}

export interface Found {
  readonly places: readonly Place[];
  /** Something other than the object or list that the path leads through stands in its way; null and absence do not. */
  readonly blocked: boolean;
}

/** Thrown where rules would have to look at more values than `bounds.rewriteValuesMax`. */
export class TooManyValues extends Error {}

interface Budget {
  valuesLeft: number;
}

const nothing = Buffer.alloc(0);
const colonBytes = Buffer.from(':');
const emptyObject = Buffer.from('{}');

/**
 * A JSON text that can be changed at places: only the objects and lists on the way to a place are taken apart, every other byte leaves
 * as it came. The text must be JSON that `JSON.parse` accepts. A name that stands twice is two places. Throws `TooManyValues`.
 */
export class EditableJson {
  /** White space before the document; before other values it belongs to what holds them. */
  private readonly before: Buffer;
  private bytes: Buffer;
  private start: number;
  private end: number;
  private members: Member[] | null = null;
  private items: { readonly lead: Buffer; readonly value: EditableJson }[] | null = null;
  /** What stands before the closing brace or bracket, and it. */
  private tail: Buffer = nothing;
  /** Shared by the values of one document. */
  private readonly budget: Budget;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length, budget: Budget = { valuesLeft: bounds.rewriteValuesMax }) {
    if (budget.valuesLeft-- <= 0) throw new TooManyValues();
    this.bytes = bytes;
    this.start = skipSpace(bytes, start);
    this.before = this.start === start ? nothing : bytes.subarray(start, this.start);
    this.end = end;
    this.budget = budget;
  }

  /** The text as it is now. */
  get text(): Buffer {
    const parts: Buffer[] = [this.before];
    this.write(parts);
    return Buffer.concat(parts);
  }

  /** The values at `path`, from here inwards. */
  find(path: readonly string[]): Found {
    const places: Place[] = [];
    const blocked = this.collect(path, 0, null, places);
    return { places, blocked };
  }

  replace(text: Buffer): void {
    this.bytes = text;
    this.start = 0;
    this.end = text.length;
    this.members = this.items = null;
  }

  /**
   * Puts `text` at `path`, with the objects that lead there where they are missing or null; what is there already stays. False
   * where nothing was added: it was there, or something other than an object is in the way.
   */
  add(path: readonly string[], text: Buffer): boolean {
    return this.addFrom(path, 0, text);
  }

  /** Takes members out of the objects that hold them; items of lists stay. */
  static remove(places: readonly Place[]): void {
    for (const [owner, members] of byOwner(places)) owner.members = owner.opened().filter((member) => !members.has(member));
  }

  /** Gives members another name. Where their object has one of that name already, that one stays and they go. */
  static rename(places: readonly Place[], to: string): void {
    for (const [owner, members] of byOwner(places)) {
      const taken = owner.opened().some((member) => member.key === to && !members.has(member));
      if (taken) owner.members = owner.opened().filter((member) => !members.has(member));
      else
        for (const member of members) {
          member.renamed ||= member.key !== to;
          member.key = to;
        }
    }
  }

  private collect(path: readonly string[], depth: number, member: Member | null, places: Place[]): boolean {
    const step = path[depth];
    if (step === undefined) {
      places.push({ value: this, member });
      return false;
    }
    const first = this.bytes[this.start];
    if (step === everyItem) {
      if (first !== 0x5b) return !this.isNull();
      let blocked = false;
      for (const { value } of this.openedItems()) blocked = value.collect(path, depth + 1, null, places) || blocked;
      return blocked;
    }
    if (first !== 0x7b) return !this.isNull();
    let blocked = false;
    for (const one of this.opened()) if (one.key === step) blocked = one.value.collect(path, depth + 1, one, places) || blocked;
    return blocked;
  }

  private addFrom(path: readonly string[], depth: number, text: Buffer): boolean {
    const step = path[depth];
    const last = depth === path.length - 1;
    if (step === undefined) return false;
    if (this.isNull() && depth > 0 && path.indexOf(everyItem, depth) < 0) this.replace(emptyObject);
    const first = this.bytes[this.start];
    if (step === everyItem) {
      if (first !== 0x5b) return false;
      let added = false;
      for (const { value } of this.openedItems()) added = value.addFrom(path, depth + 1, text) || added;
      return added;
    }
    if (first !== 0x7b) return false;
    const members = this.opened();
    const there = members.filter(({ key }) => key === step);
    if (there.length > 0) {
      if (last) return false;
      let added = false;
      for (const { value } of there) added = value.addFrom(path, depth + 1, text) || added;
      return added;
    }
    // No list is made up: there would be no item in it.
    if (path.indexOf(everyItem, depth) >= 0) return false;
    const value = new EditableJson(last ? text : emptyObject);
    members.push({ owner: this, lead: nothing, keyText: nothing, key: step, renamed: true, colon: colonBytes, value });
    if (!last) value.addFrom(path, depth + 1, text);
    return true;
  }

  private isNull(): boolean {
    return this.bytes[this.start] === 0x6e;
  }

  private opened(): Member[] {
    if (this.members !== null) return this.members;
    const { bytes } = this;
    const members: Member[] = [];
    let leadStart = this.start + 1;
    let at = skipSpace(bytes, leadStart);
    while (bytes[at] === 0x22) {
      const keyEnd = skipString(bytes, at);
      const valueStart = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
      const valueEnd = skipValue(bytes, valueStart);
      members.push({
        owner: this,
        lead: bytes.subarray(leadStart, at),
        keyText: bytes.subarray(at, keyEnd),
        key: keyOf(bytes, at, keyEnd),
        renamed: false,
        colon: bytes.subarray(keyEnd, valueStart),
        value: new EditableJson(bytes, valueStart, valueEnd, this.budget),
      });
      leadStart = valueEnd;
      at = skipSpace(bytes, valueEnd);
      if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1);
    }
    this.tail = bytes.subarray(leadStart, this.end);
    return (this.members = members);
  }

  private openedItems(): { readonly lead: Buffer; readonly value: EditableJson }[] {
    if (this.items !== null) return this.items;
    const { bytes } = this;
    const items: { lead: Buffer; value: EditableJson }[] = [];
    let leadStart = this.start + 1;
    let at = skipSpace(bytes, leadStart);
    while (at < this.end && bytes[at] !== 0x5d) {
      const valueEnd = skipValue(bytes, at);
      items.push({ lead: bytes.subarray(leadStart, at), value: new EditableJson(bytes, at, valueEnd, this.budget) });
      leadStart = valueEnd;
      at = skipSpace(bytes, valueEnd);
      if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1);
    }
    this.tail = bytes.subarray(leadStart, this.end);
    return (this.items = items);
  }

  private write(out: Buffer[]): void {
    if (this.items !== null) {
      out.push(openBracket);
      for (const { lead, value } of this.items) {
        out.push(lead);
        value.write(out);
      }
      out.push(this.tail);
    } else if (this.members !== null) {
      out.push(openBrace);
      let first = true;
      for (const member of this.members) {
        out.push(leadOf(member.lead, first), member.renamed ? Buffer.from(JSON.stringify(member.key)) : member.keyText, member.colon);
        member.value.write(out);
        first = false;
      }
      out.push(this.tail);
    } else {
      out.push(this.bytes.subarray(this.start, this.end));
    }
  }
}

/** One look at each object, however many of its members have the same name. */
function byOwner(places: readonly Place[]): ReadonlyMap<EditableJson, ReadonlySet<Member>> {
  const owners = new Map<EditableJson, Set<Member>>();
  for (const { member } of places) {
    if (member === null) continue;
    const members = owners.get(member.owner);
    if (members === undefined) owners.set(member.owner, new Set([member]));
    else members.add(member);
  }
  return owners;
}

const openBrace = Buffer.from('{');
const openBracket = Buffer.from('[');
const comma = Buffer.from(',');

/** A comma stands before every member but the first, whichever that is now. */
function leadOf(lead: Buffer, first: boolean): Buffer {
  const at = lead.indexOf(0x2c);
  if (first) return at < 0 ? lead : lead.subarray(at + 1);
  return at < 0 ? comma : lead;
}
