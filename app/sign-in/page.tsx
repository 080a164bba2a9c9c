import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { localPath } from '../_server/request-origin.ts';
import { readSession } from '../_server/session.ts';
import { BrandMark } from '../_ui/brand-mark.tsx';
import { SignInForm } from './sign-in-form.client.tsx';
import classes from './sign-in.module.css';

export const metadata: Metadata = { title: 'Sign in' };

export default async function SignInPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>;
}): Promise<ReactNode> {
  const { next } = await searchParams;
  const target = localPath(typeof next === 'string' ? next : null);
  if ((await readSession()) !== undefined) redirect(target);
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <BrandMark size={36} />
          <span>Holdfast</span>
        </div>
        <h1 className={classes.promise}>Every green light is a proven restore.</h1>
        <p className={classes.support}>Sign in to see what is protected, how old it is, and when it was last proven.</p>
        <SignInForm target={target} />
        <p className={classes.foot}>No account? Your backup provider creates one for you.</p>
      </div>
    </main>
  );
}
