/**
 * What a run leaves behind: {@link dev.heddle.conformance.report.JunitXml} for CI servers, {@link
 * dev.heddle.conformance.report.JsonLines} for programs, {@link dev.heddle.conformance.report.HtmlPage} for people.
 */
@NullMarked
package dev.heddle.conformance.report;

import org.jspecify.annotations.NullMarked;
