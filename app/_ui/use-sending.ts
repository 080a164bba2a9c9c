'use client';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { type Answer, postJson } from './post-json.ts';

/** What was done, in words; or how to say it of the answer. */
export type Done<T> = string | ((value: T) => string);
export type Send = <T>(path: string, body: unknown, done: Done<T>) => Promise<Answer<T>>;

/** A form's way to the server: sends once at a time, says what was done, keeps what went wrong for the form to show. */
export function useSending(): {
  readonly isSending: boolean;
  readonly problem: string | null;
  readonly setProblem: (problem: string | null) => void;
  readonly send: Send;
} {
  const router = useRouter();
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const send: Send = async <T>(path: string, body: unknown, done: Done<T>) => {
    setSending(true);
    const answer = await postJson<T>(path, body);
    setSending(false);
    setProblem(answer.ok ? null : answer.message);
    if (answer.ok) {
      notifications.show({ message: typeof done === 'string' ? done : done(answer.value), color: 'harbour' });
      router.refresh();
    }
    return answer;
  };
  return { isSending, problem, setProblem, send };
}
