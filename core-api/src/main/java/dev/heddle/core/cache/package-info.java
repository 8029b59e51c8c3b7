/**
 * The KV cache: {@link dev.heddle.core.cache.KvCache} owns one, {@link dev.heddle.core.cache.KvCacheView} is what a
 * backend reads, over memory that anybody owns.
 */
@NullMarked
package dev.heddle.core.cache;

import org.jspecify.annotations.NullMarked;
