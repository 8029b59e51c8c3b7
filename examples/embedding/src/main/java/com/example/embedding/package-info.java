/** An application that embeds Heddle: what docs and README show, compiled and run. */
package com.example.embedding;
