/** A small assembler of bytes and labels: the guests of tests are machine code, written here and nowhere else. */
export type Piece =
  | readonly number[]
  | string
  /** A place that others name. */
  | { readonly label: string }
  /** Its address, 16 bits. */
  | { readonly address: string }
  /** The way there from the byte behind it, 8 or 16 bits. */
  | { readonly near: string }
  | { readonly far: string };

/** `origin`: the address at which the first byte is when it runs. */
export function assemble(pieces: readonly Piece[], origin: number): Buffer {
  const sizeOf = (piece: Piece): number => {
    if (Array.isArray(piece) || typeof piece === 'string') return piece.length;
    return 'label' in piece ? 0 : 'near' in piece ? 1 : 2;
  };
  const places = new Map<string, number>();
  let at = origin;
  for (const piece of pieces) {
    if (typeof piece === 'object' && 'label' in piece) places.set(piece.label, at);
    at += sizeOf(piece);
  }
  const placeOf = (label: string): number => {
    const place = places.get(label);
    if (place === undefined) throw new Error(`no such label: ${label}`);
    return place;
  };
  at = origin;
  const bytes: number[] = [];
  for (const piece of pieces) {
    at += sizeOf(piece);
    if (typeof piece === 'string') bytes.push(...Buffer.from(piece, 'latin1'));
    else if ('address' in piece) bytes.push(placeOf(piece.address) & 0xff, placeOf(piece.address) >> 8);
    else if ('near' in piece) {
      const way = placeOf(piece.near) - at;
      if (way < -128 || way > 127) throw new Error(`${piece.near} is too far away`);
      bytes.push(way & 0xff);
    } else if ('far' in piece) {
      const way = placeOf(piece.far) - at;
      bytes.push(way & 0xff, (way >> 8) & 0xff);
    } else if (!('label' in piece)) bytes.push(...piece);
  }
  return Buffer.from(bytes);
}
