'use client';
import type { ButtonProps } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { WordsField } from './dialog-form.client.tsx';
import { FormDialog } from './form-dialog.client.tsx';

/** A person decides something and says why: a drill is accepted, an excuse refused, a loss borne. Sends `words`, beside `body`. */
export function WordsDialog({
  path,
  body = {},
  button,
  title,
  explains,
  label,
  submit,
  done,
  isOptional = false,
  isSigned = false,
  color,
}: {
  path: string;
  body?: Readonly<Record<string, unknown>>;
  button: string;
  title: string;
  /** What follows from it, before it is done. */
  explains: ReactNode;
  label: string;
  submit: string;
  done: string;
  isOptional?: boolean;
  /** The words become evidence, which holds longer texts than a list does. */
  isSigned?: boolean;
  color?: ButtonProps['color'];
}): ReactNode {
  const [words, setWords] = useState('');
  return (
    <FormDialog
      button={button}
      title={title}
      submit={submit}
      color={color}
      onSend={async (send) => {
        const said = words.trim();
        const answer = await send(path, { ...body, words: said === '' && isOptional ? null : said }, done);
        if (answer.ok) setWords('');
        return answer;
      }}
    >
      <p>{explains}</p>
      <WordsField
        label={label}
        {...(isSigned
          ? {
              description: 'It is signed and becomes part of the evidence: nobody can change it afterwards.',
              maxLength: 4000,
            }
          : {})}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        required={!isOptional}
        data-autofocus
      />
    </FormDialog>
  );
}
