/** Small signs, drawn as lines: each state can be told apart without its colour. Sizes are the side of their square. */
type Doc = PDFKit.PDFDocument;

export function drawTick(doc: Doc, x: number, y: number, size: number, colour: string): void {
  doc
    .moveTo(x, y + size * 0.55)
    .lineTo(x + size * 0.38, y + size * 0.9)
    .lineTo(x + size, y + size * 0.1)
    .lineWidth(1.3)
    .strokeColor(colour)
    .stroke();
}

export function drawCross(doc: Doc, x: number, y: number, size: number, colour: string): void {
  doc
    .moveTo(x, y)
    .lineTo(x + size, y + size)
    .moveTo(x + size, y)
    .lineTo(x, y + size);
  doc.lineWidth(1.2).strokeColor(colour).stroke();
}

export function drawDiamond(doc: Doc, x: number, y: number, size: number, colour: string, isFilled: boolean): void {
  const half = size / 2;
  doc.polygon([x + half, y], [x + size, y + half], [x + half, y + size], [x, y + half]);
  if (isFilled) doc.fill(colour);
  else doc.lineWidth(1).strokeColor(colour).stroke();
}

export function drawHatch(doc: Doc, x: number, y: number, width: number, height: number, colour: string): void {
  doc.save().roundedRect(x, y, width, height, 2).clip();
  for (let at = -height; at < width; at += 4) doc.moveTo(x + at, y + height).lineTo(x + at + height, y);
  doc.lineWidth(0.7).strokeColor(colour).stroke().restore();
}
