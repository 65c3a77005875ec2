public import Foundation

/// Shows a curated transfer set: as text for a terminal, or as static pages that open without a network.
public struct TransferSetInspector {
    /// How much a static page shows.
    public struct Options: Sendable {
        /// The longer side of a thumbnail in pixels.
        public var thumbnailSide = 96
        /// The images on the contact sheet; larger sets are thinned evenly over their order.
        public var imageLimit = 20_000
        /// The queries shown with their neighbours, spread evenly over the classes.
        public var queryLimit = 120
        /// The neighbours beyond the cut shown with each query.
        public var missedLimit = 20
        /// The dropped images shown for each step of the funnel.
        public var droppedLimit = 36
        /// The leakage pairs shown side by side.
        public var pairLimit = 60

        /// Creates the usual options.
        public init() {}
    }

    let set: TransferSetFiles

    /// Opens the artifact of a `curate` stage.
    public init(artifact: URL) throws { set = try TransferSetFiles(artifact) }

    /// The set in words and numbers, for `retort inspect --text`.
    public func text() -> String { InspectorText(set: set).rendered }

    /// The set in numbers, for `retort inspect --json`.
    public var summary: TransferSetSummary { TransferSetSummary(set) }

    /// Writes `index.html` and its thumbnails into a folder and returns the page's location.
    @discardableResult
    public func writeStatic(
        to directory: URL, thumbnails: any ThumbnailProvider, options: Options = Options()
    ) throws -> URL {
        let sink = try ThumbnailFolder(thumbnails, side: options.thumbnailSide, beside: directory)
        let page = InspectorPage(set: set, sink: sink, options: options).page.rendered
        if let failure = sink.failure { throw failure }
        let file = directory.appending(path: "index.html")
        try Data(page.utf8).write(to: file, options: .atomic)
        return file
    }
}
