/**
 * What stands between callers and backends, so that backends check nothing: {@link
 * dev.heddle.core.session.BackendSession} refuses what was not declared, checks arguments, keeps lifetimes.
 * The planner and the conformance kit both go through it.
 */
@NullMarked
package dev.heddle.core.session;

import org.jspecify.annotations.NullMarked;
