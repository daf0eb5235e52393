/** A folder that is laid out as it shall be installed: every file with the mode and the time it shall have, whatever the builder's are. */
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

export class Stage {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  write(path: string, content: string | Buffer, mode = 0o644): void {
    const file = this.#place(path);
    writeFileSync(file, content);
    chmodSync(file, mode);
  }

  /** As Debian wants documents: smallest, without name and time. */
  writeCompressed(path: string, text: string): void {
    this.write(`${path}.gz`, gzipSync(text, { level: 9 }));
  }

  copy(from: string, path: string, mode = 0o644): void {
    const file = this.#place(path);
    copyFileSync(from, file);
    chmodSync(file, mode);
  }

  /** All files of a folder that the filter wants, by their paths below it. */
  copyFolder(from: string, path: string, wanted: (file: string) => boolean = () => true): void {
    for (const file of filesOf(from).filter(wanted)) this.copy(join(from, file), join(path, file));
  }

  folder(path: string): void {
    mkdirSync(join(this.root, path), { recursive: true });
  }

  link(path: string, to: string): void {
    symlinkSync(to, this.#place(path));
  }

  /** Last: no clock and no umask of the builder is left in it. */
  settle(seconds: number): void {
    const paths = readdirSync(this.root, { recursive: true, encoding: 'utf8', withFileTypes: true });
    for (const entry of paths) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isDirectory()) chmodSync(path, 0o755);
      lutimesSync(path, seconds, seconds);
    }
    chmodSync(this.root, 0o755);
    lutimesSync(this.root, seconds, seconds);
  }

  read(path: string): Buffer {
    return readFileSync(join(this.root, path));
  }

  #place(path: string): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  }
}

/** Paths of its plain files, sorted. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .toSorted();
}
