/**
 * Who owns which page: one pool hands out the physical pages that all layers of a model share.
 *
 * <p>The idea is PagedAttention's (<a href="https://arxiv.org/abs/2309.06180">arXiv:2309.06180</a>): a sequence
 * grows page by page, forks share pages by counting references, and the first write to a shared page copies it.
 * Finished prefixes stay findable as in RadixAttention (<a
 * href="https://arxiv.org/abs/2312.07104">arXiv:2312.07104</a>): a tree of whole pages, compared by their tokens,
 * whose least recently used pages are taken back when the pool runs dry.
 *
 * <p>A pool moves no data. It says which pages to copy ({@link dev.heddle.core.pool.PageCopy}); {@code
 * KvCache.copyPage} does it.
 */
@NullMarked
package dev.heddle.core.pool;

import org.jspecify.annotations.NullMarked;
