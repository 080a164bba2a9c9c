'use client';
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { signIn } from 'next-auth/react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Notice } from '../_ui/notice.tsx';

const WRONG = {
  title: 'That did not match',
  text: 'The e-mail address or the password is wrong. Check both and try again.',
};
const PROBLEMS: Readonly<Record<string, { title: string; text: string }>> = {
  CredentialsSignin: WRONG,
  RateLimited: {
    title: 'Too many tries',
    text: 'To keep guessers out, this sign-in waits a little now. Try again in a minute.',
  },
  Unavailable: {
    title: 'Signing in does not work at the moment',
    text: 'The portal could not reach its database. Backups are not affected. Try again shortly.',
  },
};

/** One answer for every wrong pair, so that nobody learns which addresses have an account. */
export function SignInForm({ target }: { target: string }): ReactNode {
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<{ title: string; text: string } | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setSending(true);
    setProblem(null);
    try {
      const result = await signIn('credentials', {
        email: form.get('email'),
        password: form.get('password'),
        redirect: false,
      });
      if (result?.ok === true && (result.error === null || result.error === undefined)) {
        // A full load: nothing of the signed-out pages stays in the browser's memory.
        window.location.assign(target);
        return;
      }
      setProblem(PROBLEMS[result?.error ?? ''] ?? WRONG);
    } catch {
      setProblem(PROBLEMS['Unavailable'] ?? WRONG);
    }
    setSending(false);
  };

  return (
    <form onSubmit={(event) => void submit(event)} method="post">
      {problem !== null && (
        <Notice tone="risk" title={problem.title}>
          {problem.text}
        </Notice>
      )}
      <TextInput
        label="E-mail"
        name="email"
        type="email"
        autoComplete="username"
        required
        withAsterisk={false}
        size="md"
      />
      <PasswordInput
        label="Password"
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        size="md"
        mt="md"
      />
      <Button type="submit" fullWidth size="md" mt="lg" loading={isSending}>
        Sign in
      </Button>
    </form>
  );
}
