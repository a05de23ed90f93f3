import type { ESTree, Plugin } from '@oxlint/plugins';
import { relative, sep } from 'node:path';
import { judgeImport } from './judge-import.ts';
import { judgeName } from './judge-name.ts';

/** The rules of the linter that are ours: what `architecture.ts` allows, and what a file may be called. */
const plugin: Plugin = {
  meta: { name: 'muster' },
  rules: {
    architecture: {
      create(context) {
        const file = fromTop(context.cwd, context.filename);
        const look = (node: ESTree.Node, source: ESTree.Node | null): void => {
          if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
          const message = judgeImport(file, source.value);
          if (message !== undefined) context.report({ node, message });
        };
        return {
          ImportDeclaration: (node) => look(node, node.source),
          ExportNamedDeclaration: (node) => look(node, node.source),
          ExportAllDeclaration: (node) => look(node, node.source),
          ImportExpression: (node) => look(node, node.source),
          TSImportType: (node) => look(node, node.source),
        };
      },
    },
    'file-name': {
      create(context) {
        const file = fromTop(context.cwd, context.filename);
        return {
          Program(node) {
            const message = judgeName(file);
            if (message !== undefined) context.report({ node, message });
          },
        };
      },
    },
  },
};

function fromTop(top: string, file: string): string {
  return relative(top, file).split(sep).join('/');
}

export default plugin;
