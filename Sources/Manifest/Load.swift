public import Diagnostics
public import Engine
public import Foundation

/// Reads a pipeline file and resolves it to the nodes it declares.
///
/// Values come, from weakest to strongest, from the files it includes, the file itself, the selected profile and the overrides
/// (`transfer.epochs=3`, `vars.keep=512`); `${vars.x}` and `${env.X:-default}` are then expanded. Scalars stay
/// text, because the stages' own settings say what type they are. Relative paths in settings mean files below
/// `directory`, the user's current one, wherever the pipeline file lies. Every problem is reported at once.
public func load(
    file: URL, overrides: [String] = [], profile: String? = nil, environment: [String: String] = [:],
    directory: URL = URL(filePath: ".", directoryHint: .isDirectory)
) throws(Problems) -> PipelineSpec {
    let draft = try read(file, overrides, profile, environment, directory)
    try draft.problems.check()
    return draft.spec
}

/// Reads a pipeline file, resolves it and binds it to the stages of a catalogue.
///
/// The problems of the file, and those of what it declares, are reported together; nothing is said about what is
/// not known because of the former.
public func graph(
    file: URL, overrides: [String] = [], profile: String? = nil, environment: [String: String] = [:],
    directory: URL = URL(filePath: ".", directoryHint: .isDirectory), catalog: [any Stage.Type]
) throws(Problems) -> Graph {
    let draft = try read(file, overrides, profile, environment, directory)
    return try Graph(draft.spec, catalog: catalog, gaps: draft.gaps, after: draft.problems)
}

/// What could be read of a pipeline file, and what could not.
private func read(
    _ file: URL, _ overrides: [String], _ profile: String?, _ environment: [String: String], _ directory: URL
) throws(Problems) -> (spec: PipelineSpec, gaps: PipelineGaps, problems: Problems) {
    let root = try Includes(file).root
    var problems = Problems()
    var draft = PipelineDraft(root, problems: &problems)
    if let profile {
        draft.apply(profile: profile, problems: &problems)
    }
    for override in overrides {
        draft.apply(override: override, problems: &problems)
    }
    let variables = Variables(draft.variables, environment: environment, problems: &problems)
    let (spec, gaps) = draft.resolve(variables, file: file, directory: directory, problems: &problems)
    return (spec, gaps, problems)
}
